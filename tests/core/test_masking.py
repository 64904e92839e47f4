from bot.core.results.masking import Masker


def test_the_longer_of_two_secrets_is_masked() -> None:
    assert Masker(["token", "token-long"]).mask("token-long token") == "*** ***"


def test_text_is_released_up_to_a_possible_start_of_a_secret() -> None:
    masker = Masker(["token"])

    assert masker.settled("a tok") == 2
    assert masker.settled("a token") == 7
    assert masker.settled("a tok\n") == 6


def test_a_secret_is_masked_although_another_may_start_within_it() -> None:
    masker = Masker(["xxab", "abcd"])

    assert masker.settled("-xxab") == 1


def test_without_secrets_all_text_is_released() -> None:
    masker = Masker(["abc"])

    assert (masker.mask("abc"), masker.settled("ab")) == ("abc", 2)


def test_text_that_contains_no_secret_is_not_held_back() -> None:
    nothing = Masker([])

    assert (nothing.mask("token"), nothing.settled("tok")) == ("token", 3)
