from bot.core.results.masking import Masker


def test_the_longer_of_two_secrets_is_taken() -> None:
    assert Masker(["token", "token-long"]).mask("token-long token") == "*** ***"


def test_a_text_is_settled_up_to_what_may_become_a_secret() -> None:
    masker = Masker(["token"])

    assert masker.settled("a tok") == 2
    assert masker.settled("a token") == 7
    assert masker.settled("a tok\n") == 6


def test_a_whole_secret_is_not_torn_by_the_beginning_of_another() -> None:
    masker = Masker(["xxab", "abcd"])

    assert masker.settled("-xxab") == 1


def test_without_secrets_everything_is_settled() -> None:
    masker = Masker(["abc"])

    assert (masker.mask("abc"), masker.settled("ab")) == ("abc", 2)


def test_where_there_are_no_secrets_nothing_is_held_back() -> None:
    nothing = Masker([])

    assert (nothing.mask("token"), nothing.settled("tok")) == ("token", 3)
