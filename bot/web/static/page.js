// Follows a run live and shows times in the visitor's zone. Without it every page is complete, only still.
"use strict";

const MOST_LINES = 20000;
const LANGUAGE = document.documentElement.lang;

// Times -----------------------------------------------------------------

const exact = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "long", hourCycle: "h23" });
const STYLE = LANGUAGE.startsWith("zh") ? "short" : "long"; // "3 秒前" rather than "3秒钟前"
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "always", style: STYLE });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function ago(seconds) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= 2 * length) || UNITS[3];
  return relative.format(Math.trunc(seconds / length), unit).replace(/(\d)(?=[秒分小天])/, "$1 ");
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const then = new Date(time.dateTime);
    time.title = exact.format(then);
    time.textContent = ago((then - Date.now()) / 1000);
  }
}

// A log ------------------------------------------------------------------

class StepLog {
  constructor(run, section) {
    this.step = section.dataset.step;
    this.address = `/api/v1/runs/${run}/logs/${this.step}`;
    this.section = section;
    this.box = section.querySelector(".log");
    this.empty = section.querySelector(":scope > .empty");
    this.next = Number(this.box.dataset.next);
    this.count = this.box.childElementCount;
    this.rest = this.box.dataset.unfinished === "true" ? this.box.lastElementChild.lastElementChild.textContent : null;
    this.ended = false;
    this.follow = section.querySelector(".follow input");
    this.box.addEventListener("scroll", () => { this.follow.checked = this.atEnd(); });
    this.follow.addEventListener("change", () => { if (this.follow.checked) this.toEnd(); });
    section.addEventListener("toggle", () => { if (section.open && this.follow.checked) this.toEnd(); });
  }

  atEnd() { return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < 40; }

  toEnd() { this.box.scrollTop = this.box.scrollHeight; }

  get waiting() { return this.section.querySelector(".step-head").dataset.state === "waiting"; }

  // Reads on to the present end of the log.
  async read() {
    while (!this.ended && !this.waiting) {
      const response = await fetch(`${this.address}?offset=${this.next}`, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(response.status);
      const piece = await response.json();
      this.ended = piece.ended;
      if (piece.next_offset <= this.next) return;
      this.next = piece.next_offset;
      this.add(piece.text);
    }
  }

  add(text) {
    const lines = ((this.rest ?? "") + text).split("\n");
    if (this.rest !== null) { this.box.lastElementChild.remove(); this.count -= 1; }
    const unfinished = lines.pop();
    this.rest = unfinished === "" ? null : unfinished;
    const added = document.createDocumentFragment();
    for (const line of lines) added.append(this.line(line));
    if (this.rest !== null) added.append(this.line(this.rest));
    this.box.append(added);
    while (this.box.childElementCount > MOST_LINES) this.box.firstElementChild.remove();
    this.empty.hidden = true;
    if (this.follow.checked) this.toEnd();
  }

  line(text) {
    this.count += 1;
    const line = document.createElement("div");
    line.className = "line";
    line.id = `${this.step}-L${this.count}`;
    const number = document.createElement("a");
    number.href = `#${line.id}`;
    number.textContent = this.count;
    const words = document.createElement("span");
    words.textContent = text;
    line.append(number, words);
    return line;
  }
}

// A run ------------------------------------------------------------------

class RunPage {
  constructor(article) {
    this.run = article.dataset.run;
    this.lost = article.dataset.lost;
    this.logs = [...article.querySelectorAll(".step")].map((section) => new StepLog(this.run, section));
    this.delay = 1000;
  }

  get final() { return document.getElementById("head").dataset.final === "true"; }

  async renew() {
    const response = await fetch(`/runs/${this.run}/live`);
    if (!response.ok) throw new Error(response.status);
    const parts = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of parts.querySelectorAll("body > [id]")) this.replace(part);
  }

  replace(part) {
    const old = document.getElementById(part.id);
    if (!old) return;
    const step = part.dataset.state && old.closest(".step");
    if (step && part.dataset.state !== old.dataset.state) {
      if (["running", "failed", "broken"].includes(part.dataset.state)) step.open = true;
      else if (part.dataset.state === "passed" && !location.hash.startsWith(`#${step.id}`)) step.open = false;
    }
    showTimes(part);
    old.replaceWith(document.importNode(part, true));
  }

  async round() {
    const done = this.final;
    for (const log of this.logs) await log.read();
    if (!done) await this.renew();
    return done && this.logs.every((log) => log.ended || log.waiting);
  }

  async live() {
    for (const log of this.logs) log.follow.parentElement.hidden = this.final;
    try {
      const over = await this.round();
      document.querySelector(".lost")?.remove();
      this.delay = 1000;
      if (over) return;
    } catch {
      this.complain();
      this.delay = Math.min(this.delay * 2, 15000);
    }
    setTimeout(() => this.live(), document.hidden ? 5000 : this.delay);
  }

  complain() {
    if (document.querySelector(".lost")) return;
    const words = document.createElement("p");
    words.className = "lost";
    words.setAttribute("role", "status");
    words.textContent = this.lost;
    document.getElementById("head").after(words);
  }
}

// The output of services --------------------------------------------------

class ServicesPage {
  constructor(article) {
    this.address = `/runs/${article.dataset.services}/services/live`;
    for (const box of article.querySelectorAll(".log")) box.scrollTop = box.scrollHeight;
  }

  get final() { return document.getElementById("head").dataset.final === "true"; }

  async renew() {
    const response = await fetch(this.address);
    if (!response.ok) return;
    const parts = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of parts.querySelectorAll("body > [id]")) this.replace(part);
  }

  replace(part) {
    const old = document.getElementById(part.id);
    if (!old || old.isEqualNode(part)) return;
    const [top, follows] = [old.scrollTop, old.scrollHeight - old.scrollTop - old.clientHeight < 40];
    const now = document.importNode(part, true);
    old.replaceWith(now);
    now.scrollTop = follows ? now.scrollHeight : top;
  }

  async live() {
    if (this.final) return;
    if (!document.hidden) await this.renew().catch(() => {}); // The next round tries again.
    setTimeout(() => this.live(), 3000);
  }
}

// A link to a line or a step opens what it is in.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const step = target && target.closest(".step");
  if (!step) return;
  step.open = true;
  target.scrollIntoView({ block: "center" });
}

showTimes(document);
setInterval(() => showTimes(document), 30000);
addEventListener("hashchange", openTarget);
const article = document.querySelector("article[data-run]");
if (article) {
  const page = new RunPage(article);
  if (location.hash) for (const log of page.logs) log.follow.checked = false;
  else for (const log of page.logs) log.toEnd();
  openTarget();
  page.live();
}
const services = document.querySelector("article[data-services]");
if (services) new ServicesPage(services).live();
