import pytest

from bot.core.results.job_results import ReportedResult, read
from bot.core.results.unreadable import UnreadableFileError

DIGEST = "sha256:" + "0" * 64
IMAGE = "harbor.example.com:8443/team/shop:pr-1-abc"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ReportedResult()),
        ({"image.txt": f"\n# made by CI\n{IMAGE}@{DIGEST}\nmore\n"}, ReportedResult(IMAGE, DIGEST)),
        ({"image.txt": ""}, ReportedResult()),
        ({"out/chatops.env": f"IMAGE={IMAGE}\nIMAGE_DIGEST={DIGEST}\nIMAGE_SIZE=7\n"},
         ReportedResult(IMAGE, DIGEST, 7)),
        ({"chatops.env": f'\ufeffexport IMAGE = "{IMAGE}@{DIGEST}"\r\nOTHER=1\nno line\n'},
         ReportedResult(IMAGE, DIGEST)),
        ({"chatops.env": "SERVICE_URL='http://shop.example.com:30080/a?b=c'"},
         ReportedResult(url="http://shop.example.com:30080/a?b=c")),
        ({"chatops.env": f"IMAGE={IMAGE}@{DIGEST}\nIMAGE_SIZE=huge"}, ReportedResult(IMAGE, DIGEST)),
        ({"z/image.txt": f"other:1@{DIGEST}", "a/chatops.env": f"IMAGE={IMAGE}@{DIGEST}"},
         ReportedResult(IMAGE, DIGEST)),
        ({"chatops.env": "SERVICE_URL="}, ReportedResult()),
        ({"chatops.env": "SERVICE_URL='"}, None),
    ],
)  # fmt: skip
def test_results_of_a_job_are_read_or_refused(files: dict[str, str], expected: ReportedResult | None) -> None:
    content = {path: text.encode() for path, text in files.items()}
    if expected is None:
        with pytest.raises(UnreadableFileError):
            read(content)
    else:
        assert read(content) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("IMAGE=$(rm -rf /):1", "IMAGE should be"),
        ("IMAGE=shop", "IMAGE should be"),
        (f"IMAGE={IMAGE}", "IMAGE_DIGEST should be"),
        (f"IMAGE={IMAGE}\nIMAGE_DIGEST=sha256:zz", "IMAGE_DIGEST should be"),
        ("SERVICE_URL=javascript:alert(1)", "SERVICE_URL should be"),
        ("SERVICE_URL=https://user@evil.example.com/", "SERVICE_URL should be"),
        ("SERVICE_URL=https://a.example.com/ <script>", "SERVICE_URL should be"),
        ("SERVICE_URL=https://a.example.com/" + "x" * 500, "SERVICE_URL should be"),
    ],
)
def test_an_unusable_result_names_its_file(text: str, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message) as caught:
        read({"out/chatops.env": text.encode()})
    assert caught.value.path == "out/chatops.env"
