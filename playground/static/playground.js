// Keeps pages of the offline Gitee fresh and sends forms without leaving the page. Works without, too.
"use strict";

const lang = document.documentElement.lang;

/* Times: "3 minutes ago", once more every half minute. */
const STYLE = lang.startsWith("zh") ? "short" : "long"; // "3 秒前" rather than "3秒钟前"
const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto", style: STYLE });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function ago(then) {
  const seconds = Math.min((then - Date.now()) / 1000, 0);
  const [unit, size] = UNITS.find(([, size]) => -seconds >= size) || ["second", 1];
  return relative.format(Math.ceil(seconds / size), unit).replace(/(\d)(?=[秒分小天])/, "$1 ");
}

function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) time.textContent = ago(new Date(time.dateTime));
}

/* The conversation: what has another revision is replaced, what is new is added, what is gone goes. */
function openFolds(element) {
  return [...element.querySelectorAll("details")].map((fold) => fold.open);
}

function renew(old, fresh) {
  const folds = openFolds(old);
  if (old.querySelector(".menu[open]")) return; // it is being edited
  fresh.querySelectorAll("details").forEach((fold, index) => { if (folds[index]) fold.open = true; });
  old.replaceWith(fresh);
  flash(fresh);
}

function flash(element) {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) element.classList.add("fresh");
}

function merge(page) {
  const list = document.getElementById("conversation");
  const wanted = new Set();
  for (const fresh of page.querySelectorAll("#conversation > .live")) {
    wanted.add(fresh.id);
    const old = document.getElementById(fresh.id);
    if (!old) { list.append(fresh); flash(fresh); }
    else if (old.dataset.revision !== fresh.dataset.revision) renew(old, fresh);
  }
  for (const old of list.querySelectorAll(":scope > .live")) if (!wanted.has(old.id)) old.remove();
  for (const id of ["checks", "buttons", "summary"]) {
    const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
    if (old && fresh && old.dataset.revision !== fresh.dataset.revision) old.replaceWith(fresh);
  }
  for (const [index, count] of page.querySelectorAll(".tabs .count").entries()) {
    const shown = document.querySelectorAll(".tabs .count")[index];
    if (shown) shown.textContent = count.textContent;
  }
  showTimes();
}

async function fetchPage(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (response.ok) return new DOMParser().parseFromString(await response.text(), "text/html");
  throw new Error(response.statusText);
}

/* One request at a time; a change that arrives during it leads to another one. */
function keepFresh(update) {
  let busy = false, again = false;
  return async function run() {
    if (busy) { again = true; return; }
    busy = true;
    try { await update(); } catch { /* the stream reports when the server is gone */ }
    busy = false;
    if (again) { again = false; run(); }
  };
}

function listen(update) {
  const pulse = document.querySelector(".pulse");
  const stream = new EventSource("/-/changes");
  const refresh = keepFresh(update);
  stream.onmessage = refresh;
  stream.onopen = () => { if (pulse) { pulse.textContent = pulse.dataset.on; pulse.classList.remove("off"); } };
  stream.onerror = () => { if (pulse) { pulse.textContent = pulse.dataset.off; pulse.classList.add("off"); } };
}

/* Forms. */
async function send(form, button) {
  const problem = form.querySelector(".problem");
  const action = button?.getAttribute("formaction") || form.getAttribute("action");
  const body = new URLSearchParams(new FormData(form));
  const response = await fetch(action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (problem) problem.hidden = response.ok;
  if (response.ok) {
    form.closest(".menu")?.removeAttribute("open");
    if ("clear" in form.dataset) form.querySelector("textarea").value = "";
    return;
  }
  const text = (await response.json().catch(() => ({}))).message || response.statusText;
  if (problem) problem.textContent = text; else alert(text);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("live" in form.dataset)) return;
  event.preventDefault();
  const buttons = document.querySelectorAll(`button[form="${form.id}"], form button`);
  buttons.forEach((one) => { one.disabled = true; });
  try { await send(form, event.submitter); } finally { buttons.forEach((one) => { one.disabled = false; }); }
});

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && box.tagName === "TEXTAREA") {
    event.preventDefault();
    box.form.requestSubmit(box.form.querySelector("button.primary"));
  }
});

document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-fill]");
  if (!chip) return;
  const box = chip.form.querySelector("textarea");
  box.value = box.value.trim() ? `${box.value.trimEnd()}\n${chip.dataset.fill}` : chip.dataset.fill;
  box.focus();
});

document.addEventListener("change", async (event) => {
  const field = event.target;
  if ("submit" in field.dataset) field.form.requestSubmit();
  if (field.dataset.load) {
    const response = await fetch(`${field.dataset.load}?path=${encodeURIComponent(field.value)}`);
    if (!response.ok) return;
    field.form.elements.content.value = await response.text();
    field.form.elements.change.value = "";
  }
});

/* Parts that come with the conversation but stand elsewhere. */
for (const id of ["checks", "buttons"]) {
  const [part, place] = [document.getElementById(id), document.getElementById(`${id}-place`)];
  if (part && place) place.replaceWith(part);
}

showTimes();
setInterval(showTimes, 30000);
const columns = document.querySelector("[data-conversation]");
if (columns) listen(async () => merge(await fetchPage(columns.dataset.conversation)));
else if (document.querySelector("[data-refresh]")) {
  listen(async () => {
    const page = await fetchPage(location.href);
    document.querySelector("main").replaceWith(page.querySelector("main"));
    showTimes();
  });
}
