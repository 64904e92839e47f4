"""The page that people see. Everything a visitor wrote is escaped."""

from html import escape

from guestbook.ago import ago

STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #66788a; --paper: #fbf9f4; --card: #fff; --accent: #c7402d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #94a3b3; --paper: #16191d; --card: #1f242a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.7 system-ui, "Noto Sans CJK SC", sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: 3rem 1.25rem; }
h1 { margin: 0 0 .25rem; font-size: 2rem; }
.lead, footer, time { color: var(--soft); }
form, li { background: var(--card); border-radius: .75rem; padding: 1rem 1.25rem; box-shadow: 0 1px 3px #0002; }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; }
input { flex: 1 1 8rem; min-width: 0; padding: .5rem .75rem; font: inherit; border: 1px solid #8885; border-radius: .5rem; background: transparent; color: inherit; }
input[name=text] { flex-basis: 16rem; }
button { padding: .5rem 1.25rem; font: inherit; border: 0; border-radius: .5rem; background: var(--accent); color: #fff; cursor: pointer; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
li p { margin: .25rem 0 0; overflow-wrap: anywhere; }
time { float: right; font-size: .875rem; }
footer { margin-top: 3rem; font-size: .875rem; }
code { font-family: ui-monospace, monospace; }
"""


def home(entries, version, commit, now):
    """Return the whole page."""
    items = "".join(_item(entry, now) for entry in entries) or "<li>还没有留言，来写第一条吧。</li>"
    return f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>留言簿</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>留言簿</h1>
<p class="lead">路过的话，留一句再走。</p>
<form method="post" action="/">
<input name="name" placeholder="名字" aria-label="名字" maxlength="20">
<input name="text" placeholder="想说的话" aria-label="想说的话" maxlength="140" required>
<button>留言</button>
</form>
<ul>{items}</ul>
<footer>版本 <code>{escape(version)}</code> · 提交 <code>{escape(commit[:8])}</code></footer>
</main>
</body>
</html>
"""


def _item(entry, now):
    return (
        f"<li><time>{ago(now - entry.written_at)}</time><strong>{escape(entry.name)}</strong>"
        f"<p>{escape(entry.text)}</p></li>"
    )
