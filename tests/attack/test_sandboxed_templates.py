"""Manifest templates of a repository: no way out of the sandbox, and only their own process is exhausted."""

from dataclasses import replace
from typing import Any

import pytest

from bot.model.errors import TellUser, TooExpensive
from bot.model.limits import SandboxLimits
from bot.model.reason import Reason
from bot.runners.kubernetes import rendering, templates
from bot.sandbox.process import ProcessSandbox

SANDBOX = ProcessSandbox()
CONTEXT: dict[str, Any] = {"host": "pr-1.example.com", "env": {"A": "1"}, "command": ["serve"]}

ESCAPES = {
    "the class of a string": "{{ ''.__class__ }}",
    "all subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "the class by a filter": "{{ ''|attr('__class__')|attr('__mro__') }}",
    "the class by a subscript": "{{ ''['__class__'].x }}",
    "a name put together": "{{ ''|attr('__cla' ~ 'ss__')|attr('x') }}",
    "an escaped name": "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f')|attr('x') }}",
    "map with an attribute": "{{ ['']|map(attribute='__class__.__mro__')|list }}",
    "the class by format": "{{ '{0.__class__.__mro__}'.format('') }}",
    "the class by format_map": "{{ '{a.__class__}'.format_map({'a': ''}) }}",
    "format as a value": "{% set f = '{0.__class__}'.format %}{{ f('') }}",
    "the globals of a function": "{{ range.__init__.__globals__ }}",
    "the globals of a macro": "{% macro m() %}{% endmacro %}{{ m.__globals__.x }}",
    "the globals of lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "the globals of cycler": "{{ cycler.__init__.__globals__.os.environ }}",
    "the globals of joiner": "{{ joiner.__init__.__globals__.x }}",
    "the environment of the template": "{{ self._TemplateReference__context.environment.x }}",
    "the names of the context": "{{ self.__init__.__globals__.x }}",
    "a frame of a generator": "{{ (['a']|map('upper')).gi_frame.f_globals }}",
    "the code of a function": "{{ range.__call__.__code__.x }}",
    "a module": "{{ __import__('os').environ }}",
    "builtins": "{{ __builtins__.open('/etc/passwd') }}",
    "a file by include": "{% include '/etc/passwd' %}",
    "a file by import": "{% import '../../../etc/passwd' as x %}",
    "a file by extends": "{% extends '../sandbox.py' %}",
    "a changed context": "{{ env.update({'A': '2'}) }}",
    "a changed list": "{{ command.append('x') }}",
    "a changed environment": "{{ env.__setitem__('A', '2') }}",
    "a wide range": "{{ range(10 ** 9)|list|length }}",
    "an unbounded result": "{% for _ in range(99999) %}{{ 'x' * 99 }}{% endfor %}",
}

EXHAUSTING = {
    "memory by a string": "{{ 'x' * 10 ** 9 }}",
    "memory by a power": "{{ 2 ** (10 ** 11) }}",
    "memory by doubling": "{% set n = namespace(s='x' * 99999) %}"
    "{% for _ in range(40) %}{% set n.s = n.s + n.s %}{% endfor %}",
    "memory by a width": "{{ '%999999999d' % 1 }}",
    "memory by centering": "{{ 'x'|center(10 ** 9) }}",
    "the stack by recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "the stack of the parser": "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
}

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("template", ESCAPES.values(), ids=ESCAPES)
def test_a_template_stays_inside_the_sandbox(template: str) -> None:
    given = {**CONTEXT, "env": dict(CONTEXT["env"]), "command": list(CONTEXT["command"])}

    result = templates.rendered({"x.yaml": template, "y.yaml": "{{ host }}"}, given)

    assert set(result) == {"name", "error"}
    assert result["name"] == "x.yaml"
    assert given == CONTEXT
    assert templates.rendered({"y.yaml": "{{ host }}"}, given) == {"rendered": {"y.yaml": "pr-1.example.com"}}


@pytest.mark.parametrize("template", EXHAUSTING.values(), ids=EXHAUSTING)
async def test_a_template_exhausts_only_its_own_process(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "LIMITS", replace(rendering.LIMITS, seconds=2))

    with pytest.raises(TellUser) as caught:
        await rendering.of_repository(SANDBOX, {"x.yaml": template}, CONTEXT, "deploy")

    assert caught.value.reason in {Reason.MANIFEST_INVALID, Reason.TOO_EXPENSIVE}
    assert len(str(caught.value)) < 1_000
    assert await rendering.of_repository(SANDBOX, {"y.yaml": "{{ host }}"}, CONTEXT, "deploy") == {
        "y.yaml": "pr-1.example.com"
    }


async def test_a_template_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LIMITS", SandboxLimits(seconds=1))

    with pytest.raises(TooExpensive) as caught:
        await rendering.of_repository(SANDBOX, {"x.yaml": ENDLESS}, CONTEXT, "deploy")

    assert (caught.value.facts["name"], caught.value.facts["seconds"]) == ("deploy", "1")
