"""What the Dockerfile of a pull request makes the engine fetch, in every way in which it can be written."""

from collections.abc import Mapping

import pytest

from bot.core.deciding.build_sources import BuildSource, SourceKind, build_sources

R, F, I, U = SourceKind.REMOTE, SourceKind.FRONTEND, SourceKind.IMAGE, SourceKind.UNREADABLE  # noqa: E741 - one table
URL = "http://127.0.0.1:5000/v2/_catalog"


def found(
    text: str, args: Mapping[str, str] | None = None, *kinds: SourceKind
) -> set[tuple[int, str | None]]:
    sources = set(build_sources(text, args or {}))
    return {(source.line, source.value) for source in sources if source.kind in (kinds or SourceKind)}


ADDED = {
    "http": f"ADD {URL} /s",
    "https": "ADD https://10.0.0.1/ /s",
    "a scheme in capitals": "ADD HTTP://127.0.0.1/ /s",
    "lower case": f"add {URL} /s",
    "a dotted capital I": f"ONBU\u0130LD ADD {URL} /s",
    "tabs": f"ADD\t{URL}\t/s",
    "a vertical tab after the keyword": f"ADD\v{URL} /s",
    "a form feed after the keyword": f"ADD\f{URL} /s",
    "a carriage return after the keyword": f"ADD\r{URL} /s",
    "leading blanks": f"   \tADD {URL} /s",
    "the second of several sources": f"ADD a b {URL} /s/",
    "an empty destination": f'ADD {URL} ""',
    "an empty word first": f'ADD "" {URL} ""',
    "double quotes": f'ADD "{URL}" /s',
    "single quotes": f"ADD '{URL}' /s",
    "quotes inside of the scheme": 'ADD ht"t"p://a/ /s',
    "backslashes inside of the scheme": r"ADD h\tt\p://a/ /s",
    "JSON": f'ADD ["{URL}", "/s"]',
    "JSON without blanks": f'ADD ["{URL}","/s"]',
    "JSON with an empty destination": f'ADD ["{URL}",""]',
    "JSON with escapes": r'ADD ["\u0068ttp://a/", "/s"]',
    "JSON with escaped slashes": r'ADD ["http:\/\/a\/", "/s"]',
    "JSON after flags": f'ADD --chown=1:1 ["{URL}", "/s"]',
    "--checksum": f"ADD --checksum=sha256:{'0' * 64} {URL} /s",
    "--chown": f"ADD --chown=0:0 --chmod=755 {URL} /s",
    "a flag with quotes": f'ADD --chown="a b" {URL} /s',
    "a flag with an escaped blank": rf"ADD --chown=a\ b {URL} /s",
    "--link": f"ADD --link {URL} /s",
    "the end of flags": f"ADD -- {URL} /s",
    "git by HTTPS": "ADD https://gitee.com/a/b.git#main /s",
    "git by HTTP": "ADD --keep-git-dir=true http://10.0.0.1/a/b.git /s",
    "git by its own protocol": "ADD git://10.0.0.1/a/b /s",
    "git by SSH": "ADD ssh://git@10.0.0.1/a/b /s",
    "git by SSH, short": "ADD git@10.0.0.1:a/b.git /s",
    "another scheme": "ADD docker-image+blob://r/a@sha256:0 /s",
    "continuation": f"ADD \\\n  {URL} /s",
    "continuation inside of the word": f"AD\\\nD {URL[:9]}\\\n{URL[9:]} /s",
    "continuation with comments and empty lines": f"ADD \\\n# no\n\n  # no\n{URL} \\\n/s",
    "continuation, then blanks": f"ADD \\  \t\n{URL} /s",
    "Windows line ends": f"ADD \\\r\n{URL} /s\r",
    "after a line that does not continue": f"RUN a \\\u00a0\nADD {URL} /s",
    "after two carriage returns": f"RUN a \\\r\r\nADD {URL} /s",
    "after a doubled escape": f"RUN a \\\\\nADD {URL} /s",
    "in a here-document, for old frontends": f"RUN <<EOF\nADD {URL} /s\nEOF",
    "after a here-document": f"RUN <<EOF\nls\nEOF\nADD {URL} /s",
    "a here-document beside it": f"ADD <<EOF {URL} /s/\nx\nEOF",
    "before the name of another here-document": f"COPY <<EOF>b /a\nx\nEOF\nADD {URL} /s\nEOF>b",
    "ONBUILD": f"ONBUILD ADD {URL} /s",
    "ONBUILD in lower case": f"onbuild\t add {URL} /s",
    "ONBUILD with JSON": f'ONBUILD ADD ["{URL}", "/s"]',
    "ENV": f"ENV A={URL}\nADD $A /s",
    "ENV, old form": f"ENV A {URL}\nADD ${{A}} /s",
    "ENV in quotes": f'ENV A="{URL}"\nADD "$A" /s',
    "ENV of ENV": "ENV A=http B=x\nENV C=$A://h/\nADD ${C} /s",
    "a default": f"ENV A=\nADD ${{A:-{URL}}} /s",
    "an alternative": f"ENV A=1\nADD ${{A:+{URL}}} /s",
    "the scheme from ENV": "ENV A=ht\nADD ${A}tp://h/ /s",
    "a value of several words": f"ENV A='x {URL}'\nADD $A /s",
    "after an argument without a value": "ARG A=http\nARG A\nADD ${A}://h /s",
    "after a blank inside of a flag": f"ADD --chown=\u00e0{URL} /s",
}


@pytest.mark.attack
@pytest.mark.parametrize("instructions", ADDED.values(), ids=ADDED)
def test_a_remote_source_is_found(instructions: str) -> None:
    for base in ("FROM scratch", "FROM debian:12", "ARG X\nFROM scratch AS a\nFROM a"):
        assert found(f"{base}\n{instructions}\n", None, R), base


UNKNOWN = {
    "a variable of the base image": "ADD $A /s",
    "ARG of an earlier stage": "ARG A=local\nFROM debian:12 AS a\nARG A=a\nFROM a\nADD $A /s",
    "ARG without a value": "ARG A\nADD $A /s",
    "ARG that BuildKit sets": "ARG BUILDKIT_SBOM_SCAN_STAGE=a\nADD $BUILDKIT_SBOM_SCAN_STAGE /s",
    "ARG beside the one that it depends on": "ARG A=-\nARG A=a B=$A\nADD $B /s",
    "a repeated ARG": "ARG A=a A\nADD $A /s",
    "a modifier that is not read": "ENV A=a\nADD ${A#a} /s",
    "a default within a default": "ENV A=\nADD ${A:-${B:-http://h}} /s",
    "an alternative of an unknown variable": "ADD ${A:+http://h} /s",
    "an escaped quote in ENV": 'ENV A=a\nENV B="\\"" A=http://h\nADD $A /s',
    "a quoted name in ENV": 'ENV A=a\nENV "A"=http://h\nADD $A /s',
    "a quote inside of a value": 'ENV A=a\nENV A=h"t"tp://h\nADD $A /s',
    "ONBUILD ENV": "ENV A=a\nONBUILD ADD $A /s",
    "a value that grows": f"ENV A={'x' * 600}\nENV A=$A$A\nADD $A /s",
    "a word that is too long": f"ADD {'x' * 1025} /s",
    "too many variables": "".join(f"ENV A{number}=a\n" for number in range(202)) + "ENV A=a\nADD $A /s",
    "the variable of another stage": "ENV A=a\nFROM debian\nADD $A /s",
    "a number": "ADD $1http://h /s",
    "a number after ENV": 'ENV A=a\nENV B="$1"\nADD $B /s',
    "a name with a letter that is not ASCII": "ENV A=a\nADD $A\u00e9 /s",
    "a quote that hides the end of a condition": "ENV A=\nADD ${A:+'}'}http://h /s",
    "a value in the old form, with an equals sign": "ENV A B=-\nADD ${B}http://h /s",
    "ENV of a trigger": "ENV A=a\nFROM debian:12 AS a\nENV A=a\nONBUILD ENV A=http://h\nFROM a\nADD $A /s",
    "ARG of a trigger": "FROM scratch AS a\nONBUILD ARG A=http://h\nFROM a\nADD $A /s",
}


@pytest.mark.attack
@pytest.mark.parametrize("instructions", UNKNOWN.values(), ids=UNKNOWN)
def test_a_source_that_depends_on_the_build_is_found(instructions: str) -> None:
    assert None in {value for _, value in found(f"FROM debian:12\n{instructions}\n", None, R)}


HIDDEN = {
    "a number": "ADD $1http://h /s",
    "a quote after a name": 'ADD $A"http"://h /s',
    "an escaped letter after a name": "ADD $A\\http://h /s",
    "a quote that hides the end of a condition": "ADD ${A:+'}'}http://h /s",
    "a value in the old form, with an equals sign": "ENV A B=-\nADD ${B}http://h /s",
    "a value after a blank that is not ASCII": "ENV A=x\u00a0B=http://h\nADD $B /s",
    "the name of the stage without a name": "FROM 0\nADD $A /s",
}


@pytest.mark.attack
@pytest.mark.parametrize("instructions", HIDDEN.values(), ids=HIDDEN)
def test_a_remote_source_is_not_hidden_in_an_empty_stage(instructions: str) -> None:
    assert found(f"FROM scratch\n{instructions}\n", None, R) != set()


@pytest.mark.attack
def test_another_escape_character_hides_nothing() -> None:
    for head in ("# escape=`", "# Escape = `", "# check=skip=all\n# escape=`", "# x=y\n# escape=`"):
        hidden = f'{head}\nFROM scratch\nRUN a `\nADD {URL} /s\nENV A=a B="\\" A={URL} C=""\nADD $A /s\n'
        values = {value for _, value in found(hidden, None, R)}
        assert {URL, None} <= values, head


@pytest.mark.attack
@pytest.mark.parametrize("stages", [199, 200])
def test_what_follows_very_many_stages_is_not_known(stages: int) -> None:
    text = (
        "".join(f"FROM scratch AS a{number}\n" for number in range(stages))
        + "FROM scratch\nENV A=a\nADD $A /s\n"
    )
    assert bool(found(text, None, R)) is (stages == 200)


LOCAL = {
    "a file": "ADD app.tar.gz /srv/",
    "a path": "ADD ./a/b:c /srv",
    "a here-document": "ADD <<EOF /a\nhello\nEOF",
    "an unknown destination": "ADD app.tar $CATALINA_HOME/webapps/",
    "an unknown part of a path": "ADD dist/$NAME.tar /srv/",
    "an unknown version": "ARG VERSION=1.2\nADD app-${VERSION}.tar.gz /srv/",
    "a known name": "ENV NAME=app\nADD ${NAME} ${NAME:-x} /srv",
    "a name in an argument": "ARG JAR_FILE=target/*.jar\nADD ${JAR_FILE} app.jar",
    "a version in an argument": 'ARG VERSION="1.0"\nADD "${VERSION}.tar.gz" /',
    "an argument after ENV": "ENV A=a\nARG A=b\nADD $A /s",
    "a path in another script": "ARG DIR=dist\nADD ${DIR}/文件.tar /",
    "COPY": "COPY $A http:/ /x",
    "RUN": f"RUN curl {URL}",
    "a comment": f"# ADD {URL} /s",
    "continued text": f"RUN echo \\\n ADD {URL} /s",
}


@pytest.mark.parametrize("instructions", LOCAL.values(), ids=LOCAL)
def test_sources_in_the_context_are_left_alone(instructions: str) -> None:
    assert found(f"FROM debian:12\n{instructions}\n", None, R, U) == set()


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("FROM scratch\nARG V\nADD $V /", {"V": "a"}),
        ("ARG V=a\nFROM scratch\nARG V\nADD $V /", {}),
        ("FROM scratch\nARG TARGETARCH\nADD root$TARGETARCH.tar /", {}),
        ("FROM scratch\nADD $V /", {}),
        ("FROM scratch AS a\nENV V=a\nFROM a\nARG V=a\nADD $V /", {}),
        ("FROM debian AS a\nENV V=a\nFROM a\nADD $V /", {}),
        ("ARG V=a\nFROM debian\nARG V\nADD $V /", {}),
        ("FROM debian\nARG V=a\nARG V\nADD $V /", {}),
    ],
)
def test_variables_that_the_file_sets_are_known(text: str, args: dict[str, str]) -> None:
    assert found(text, args, R, U) == set()


@pytest.mark.attack
@pytest.mark.parametrize(
    ("text", "args"),
    [("FROM scratch\nARG V=a\nADD $V /", {"V": URL}), (f"ARG V={URL}\nFROM scratch\nARG V\nADD $V /", {})],
)
def test_a_build_argument_is_found_where_it_is_used(text: str, args: dict[str, str]) -> None:
    assert {value for _, value in found(text, args, R)} == {URL}


SYNTAX = {
    "usual": "# syntax=r:5000/a/b:1",
    "no blanks": "#syntax=r:5000/a/b:1",
    "blanks": "  #\t syntax \t=\t r:5000/a/b:1  ",
    "capitals": "# SYNTAX=r:5000/a/b:1",
    "arguments": "# syntax=r:5000/a/b:1 --x=y",
    "a byte order mark": "\ufeff# syntax=r:5000/a/b:1",
    "after escape": "# escape=\\\n# syntax=r:5000/a/b:1",
    "after check": "# check=skip=all\n# syntax=r:5000/a/b:1",
    "after a comment": "# hello\n# syntax=r:5000/a/b:1",
    "after an empty line": "\n\n# syntax=r:5000/a/b:1",
    "after a shebang": "#!/usr/bin/env x\n# syntax=r:5000/a/b:1",
    "slashes": "// syntax=r:5000/a/b:1",
    "slashes without blanks": "//syntax=r:5000/a/b:1",
    "slashes after a shebang": "#!x\n//syntax=r:5000/a/b:1",
    "Windows line ends": "# syntax=r:5000/a/b:1\r",
}


@pytest.mark.attack
@pytest.mark.parametrize("head", SYNTAX.values(), ids=SYNTAX)
def test_a_frontend_is_found(head: str) -> None:
    assert {value for _, value in found(f"{head}\nFROM scratch\n", None, F)} == {"r:5000/a/b:1"}


@pytest.mark.attack
@pytest.mark.parametrize(
    "text", ['{"syntax": "r/a"}', ' \n{"\\u0073yntax":\n"r/a"}', '#!x\n{"syntax":"r/a"}', "\ufeff{}"]
)
def test_a_frontend_in_json_is_found(text: str) -> None:
    assert {value for _, value in found(text, None, F)} == {None}


@pytest.mark.attack
def test_a_frontend_in_a_build_argument_is_found() -> None:
    args = {"BUILDKIT_SYNTAX": " r/a:1 x"}
    assert found("FROM scratch", args, F) == {(0, "r/a:1")}
    assert found("FROM scratch", {"BUILDKIT_SYNTAX": ""}, F) == {(0, "")}


def test_no_frontend_is_named_after_the_first_instruction() -> None:
    assert found("FROM scratch\n# syntax=r/a\nRUN {", None, F) == found("# a\n\n", None) == set()


IMAGES = {
    "FROM": ("FROM r/a:1", "r/a:1"),
    "FROM in quotes": ('FROM "r/a:1"', "r/a:1"),
    "FROM with a platform": ("FROM --platform=linux/amd64 r/a:1 AS x", "r/a:1"),
    "FROM with blanks in a flag": ('FROM --platform="a b" r/a:1 AS x', "r/a:1"),
    "FROM a later stage": ("FROM b\nFROM scratch AS b", "b"),
    "FROM with ARG": ("ARG B=r/a\nFROM $B:1", "r/a:1"),
    "FROM with a default": ("FROM ${B:-r/a:1}", "r/a:1"),
    "FROM with an unreadable ARG": ("ARG B=${C#x}\nFROM $B", None),
    "FROM with ARG of ARG": ("ARG C=a\nARG B=r/$C\nFROM ${B}:1", "r/a:1"),
    "FROM with an odd ARG": ('ARG B="\\"x"\nFROM $B', None),
    "FROM with an architecture": ("FROM r/a-$TARGETARCH", "r/a-amd64"),
    "FROM on condition of the platform": ("FROM ${BUILDPLATFORM:+r/a:1}", None),
    "FROM on condition of a copy of the platform": ("ARG P=$TARGETPLATFORM\nFROM ${P:+r/a:1}", None),
    "FROM on condition of what a later version sets": ("FROM ${TARGETSTAGE:+r/a:1}", None),
    "FROM on condition of a declared platform": ("ARG TARGETOS\nFROM ${TARGETOS:-r/a:1}", None),
    "FROM on condition of a set variable": ("ARG A=\nFROM ${A+r/a:1}", None),
    "FROM after a number": ("FROM $1localhost:5000/a", None),
    "FROM after a quote": ("FROM ${A:+'}'}localhost:5000/a", None),
    "FROM with an argument that is taken back": ("ARG A=scratch\nARG A\nFROM ${A:-r/a:1}", None),
    "FROM on condition of a set platform": ("ARG TARGETOS=x\nFROM ${TARGETOS:+r/a:1}", "r/a:1"),
    "COPY": ("FROM scratch\nCOPY --from=r/a:1 /s /s", "r/a:1"),
    "COPY with other flags": ("FROM scratch\nCOPY --chown=1 --link --from='r/a:1' /s /s", "r/a:1"),
    "COPY with a variable": ("FROM scratch\nCOPY --from=$A /s /s", None),
    "ONBUILD COPY": ("FROM scratch\nONBUILD COPY --from=r/a:1 /s /s", "r/a:1"),
    "a mount": ("FROM scratch\nRUN --mount=type=bind,from=r/a:1,target=/x ls", "r/a:1"),
    "a mount in capitals": ("FROM scratch\nrun --mount=TYPE=cache,From=r/a:1 ls", "r/a:1"),
    "a mount in quotes": ("FROM scratch\nRUN --mount='type=bind,\"from=r/a:1\"' ls", "r/a:1"),
    "a second mount": ("FROM scratch\nRUN --mount=type=tmpfs --mount=from=r/a:1 ls", "r/a:1"),
    "a mount with an escaped blank": ("FROM scratch\nRUN --mount=a=\\ ,from=r/a:1 ls", "r/a:1"),
    "a mount with two images": ("FROM scratch AS a\nRUN --mount=from=a,from=r/a:1 ls", "r/a:1"),
    "a mount after an empty name": ("FROM scratch\nRUN --mount=from=,from=r/a:1 ls", "r/a:1"),
    "a mount after a blank in a flag": (
        "FROM scratch\nRUN --mount=type=tmpfs,target=/\u00e0--mount=from=r/a:1 ls",
        "r/a:1",
    ),
    "COPY after a blank in a flag": ("FROM scratch\nCOPY --chown=\u00c5--from=r/a:1 / /", "r/a:1"),
    "a mount after an escaped quote": (
        "# escape=`\nFROM b\nRUN \\\nRUN --mount=target=/\\' --mount=from=r/a:1 ls '",
        "r/a:1",
    ),
    "a mount with a number": ("FROM scratch\nRUN --mount=from=9a ls", "9a"),
}


@pytest.mark.attack
@pytest.mark.parametrize(("text", "image"), IMAGES.values(), ids=IMAGES)
def test_an_image_is_found(text: str, image: str | None) -> None:
    assert image in {value for _, value in found(text, None, I)}


@pytest.mark.attack
def test_a_build_argument_replaces_the_architecture() -> None:
    assert found("FROM $TARGETARCH", {"TARGETARCH": "r/a:1"}, I) == {(1, "r/a:1")}


@pytest.mark.parametrize(
    "text",
    [
        "FROM scratch",
        "FROM scratch AS Build\nFROM build\nCOPY --from=BUILD a b\nCOPY --from=0 a b\nADD a b",
        "FROM scratch AS a\nRUN --mount=type=bind,from=a --mount=type=cache,target=/x ls --from=r/a",
        "ARG A=scratch\nFROM $A",
        "FROM",
        "FROM $NOTHING",
        "FROM scratch\nCOPY -- --from=x y",
        "FROM scratch\nONBUILD",
        "FROM scratch\nONBUILD ONBUILD ADD http://h /x",
        "FROM scratch\nRUN --x ls",
    ],
)
def test_stages_are_no_images(text: str) -> None:
    assert found(text, None, I, R) == set()


@pytest.mark.attack
@pytest.mark.parametrize(
    "line",
    [
        "RUN a \x1c# \\",
        "\x1fADD a b",
        "RUN \0",
        "ADD \\\r\r\n http://h /x",
        "ADD \rhttp://h /x",
        "RUN cat <<E\\",
        'RUN cat <<"a \\"',
        "COPY <<-E`x /a",
        "RUN --mount=target=/\ufffd--mount=from=r/a:1 ls",
        "ONBUILD COPY --chown=\ufffd--from=r/a:1 / /",
    ],
)
def test_a_line_that_versions_of_buildkit_read_differently_is_found(line: str) -> None:
    assert {at for at, _ in found(f"FROM scratch\n{line}\n", None, U)} == {2}


@pytest.mark.attack
@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("RUN <<E-F", "E-F"),
        ("RUN <<1", "1"),
        ("RUN <<E;", "E;"),
        ("RUN cat <<E; true", "E;"),
        ("RUN $X<<E", "E"),
        ("RUN <<E$X", "E"),
        ("RUN cat << E", "E"),
        ('RUN <<"E"F', "EF"),
        ('RUN "a <<E b"', "E"),
        ("RUN it's <<E", "E"),
        ("RUN ${x^} <<E", "E"),
        ("RUN ${} <<-E", "\tE"),
        ("ONBUILD RUN it's <<E", "E"),
    ],
)
def test_what_only_some_versions_take_for_a_here_document_is_found(line: str, end: str) -> None:
    assert found(f"FROM scratch\n{line}\nENV A=x\n{end}\n", None, U) == {(2, None)}


@pytest.mark.attack
def test_the_here_document_of_a_trigger_sets_no_variable() -> None:
    text = "FROM scratch\nENV A=http://h\nONBUILD RUN <<E\nENV A=x\nE\nADD $A /x"
    assert (6, "http://h") in found(text, None, R)


@pytest.mark.parametrize(
    "line",
    [
        "RUN cat <<E >${HOME:-/root}/x && echo \"$PATH\" '${' \\$",
        "RUN <<'E' sh",
        "COPY <<-E <<F /x/\ny\nE\nz\nF\nRUN <<E",
        "RUN cat <<<E",
        "RUN echo $((1 <<2)) 'a <<b'",
        "ONBUILD RUN <<E",
        "ONBUILD",
    ],
)
def test_ordinary_here_documents_are_read(line: str) -> None:
    assert found(f"FROM scratch\n{line}\nx\nE\nRUN true", None, U) == set()


def test_a_source_has_its_line_and_its_words() -> None:
    sources = build_sources("# c\nFROM scratch\n\nADD a \\\n  $B /s\nENV X=1\nADD http://h /s", {})
    assert list(sources) == [BuildSource(R, 7, "http://h", "http://h")]
