"""When two spellings mean the same song, and when they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.music.names import artist_key, first_artist, song_key, title_key

SAME_TITLE = [
    ("Let It Be - Remastered 2009", "let it be"),
    ("Let It Be - 2009 Remaster", "let it be"),
    ("Let It Be (Remastered)", "let it be"),
    ("Let It Be (Remastered 2009)", "let it be"),
    ("Let It Be [2009 Digital Remaster]", "let it be"),
    ("Let It Be - 2009 - Remaster", "let it be"),
    ("Let It Be – Remastered", "let it be"),
    ("Let It Be - Mono / Remastered 2009", "let it be"),
    ("Let It Be - 50th Anniversary Remaster", "let it be"),
    ("Let It Be - Live", "let it be"),
    ("Let It Be [Live]", "let it be"),
    ("Let It Be (Live at Wembley Stadium, 1986)", "let it be"),
    ("Let It Be - Live in Paris / 1975", "let it be"),
    ("Let It Be - Live From Abbey Road - 2004 Remaster", "let it be"),
    ("Let It Be (En Vivo)", "let it be"),
    ("Let It Be (feat. Billy Preston)", "let it be"),
    ("Let It Be feat. Billy Preston", "let it be"),
    ("Let It Be ft. Billy Preston (Remastered)", "let it be"),
    ("Let It Be [featuring Billy Preston]", "let it be"),
    ("Let It Be (with Billy Preston)", "let it be"),
    ("Let It Be - Radio Edit", "let it be"),
    ("Let It Be (Single Version)", "let it be"),
    ("Let It Be - Album Version", "let it be"),
    ("Let It Be - Stereo Mix", "let it be"),
    ("Let It Be - Mono", "let it be"),
    ("Let It Be (Bonus Track)", "let it be"),
    ("Let It Be (Deluxe Edition)", "let it be"),
    ("Let It Be (Explicit)", "let it be"),
    ("Let It Be (Official Video)", "let it be"),
    ("Let It Be (Original Mix)", "let it be"),
    ("LET IT BE", "let it be"),
    ("  Let   It  Be  ", "let it be"),
    ("Let It Be!", "let it be"),
    ("The Let It Be", "let it be"),
    ("Don’t Stop Me Now", "dont stop me now"),
    ("Rock & Roll", "rock and roll"),
    ("Rock 'n' Roll", "rock and roll"),
    ("T.N.T.", "tnt"),
    ("Für Elise", "fur elise"),
    ("Ágætis byrjun", "agaetis byrjun"),
    ("Smørrebrød", "smorrebrod"),
    ("Straße", "strasse"),
    ("Zażółć gęślą jaźń", "zazolc gesla jazn"),
    ("Ｆｕｌｌ Ｗｉｄｔｈ（Live）", "full width"),
    ("Song - From “Frozen” / Soundtrack Version", "song"),
]

OWN_TITLE = [
    ("Live and Let Die", "live and let die"),
    ("Live Forever", "live forever"),
    ("Long Live", "long live"),
    ("Live", "live"),
    ("(Live)", "live"),
    ("Remaster", "remaster"),
    ("Remastered", "remastered"),
    ("Mono", "mono"),
    ("Single", "single"),
    ("Feat.", "feat"),
    ("A Feat of Strength", "a feat of strength"),
    ("6 ft Under", "6 ft under"),
    ("Stay With Me", "stay with me"),
    ("With or Without You", "with or without you"),
    ("1999", "1999"),
    ("Song (1999)", "song 1999"),
    ("Medley (Live and Let Die)", "medley live and let die"),
    ("Blue (Da Ba Dee)", "blue da ba dee"),
    ("(I Can't Get No) Satisfaction", "i cant get no satisfaction"),
    ("Let It Be (Remix)", "let it be remix"),
    ("Let It Be - David Guetta Remix", "let it be david guetta remix"),
    ("Let It Be - Remix / Remastered", "let it be remix remastered"),
    ("Let It Be (Acoustic)", "let it be acoustic"),
    ("Let It Be (Live Acoustic)", "let it be live acoustic"),
    ("Let It Be (Instrumental Version)", "let it be instrumental version"),
    ("Let It Be (Karaoke Version)", "let it be karaoke version"),
    ("Let It Be - Cover", "let it be cover"),
    ("Let It Be (Demo)", "let it be demo"),
    ("Let It Be (Taylor's Version)", "let it be taylors version"),
    ("Let It Be, Pt. 2", "let it be pt 2"),
    ("Symphony No. 5", "symphony no 5"),
    ("+44", "plus 44"),
    ("!!!", "!!!"),
    ("( )", "()"),
    ("...", "..."),
    ("-", "-"),
    ("÷", "÷"),
    ("千本桜", "千本桜"),
    ("が", "が"),
    ("봄날", "봄날"),
    ("Группа крови", "группа крови"),
    ("Мой", "мой"),
    ("Ёлка", "елка"),
    ("สวัสดี", "สวัสดี"),
]


@pytest.mark.parametrize(("written", "key"), SAME_TITLE + OWN_TITLE)
def test_title(written: str, key: str) -> None:
    assert title_key(written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("The Beatles", "beatles"),
        ("Beatles, The", "beatles"),
        ("The The", "the"),
        ("Beyoncé", "beyonce"),
        ("Beyoncé feat. JAY-Z", "beyonce"),
        ("Calvin Harris ft. Rihanna", "calvin harris"),
        ("Drake, WizKid, Kyla", "drake"),
        ("Drake;WizKid;Kyla", "drake"),
        ("Queen / David Bowie", "queen"),
        ("AC/DC", "ac dc"),
        ("Tyler, The Creator", "tyler the creator"),
        ("Earth, Wind & Fire", "earth wind and fire"),
        ("Crosby, Stills, Nash & Young", "crosby stills nash and young"),
        ("Simon & Garfunkel", "simon and garfunkel"),
        ("Florence + The Machine", "florence and the machine"),
        ("10,000 Maniacs", "10 000 maniacs"),
        ("A$AP Rocky", "asap rocky"),
        ("P!nk", "pink"),
        ("R.E.M.", "rem"),
        ("Guns N' Roses", "guns and roses"),
        ("Motörhead", "motorhead"),
        ("!!!", "!!!"),
        ("+44", "plus 44"),
        ("宇多田 ヒカル", "宇多田ヒカル"),
        ("Кино", "кино"),
        ("Björk Guðmundsdóttir", "bjork gudmundsdottir"),
    ],
)
def test_artist(written: str, key: str) -> None:
    assert artist_key(written) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bob Marley", "Bob Marley & The Wailers"),
        ("Macklemore", "Macklemore and Ryan Lewis"),
        ("Queen", "Queen / David Bowie"),
        ("Jay-Z", "JAY Z & Kanye West"),
    ],
)
def test_a_song_credited_to_more_or_fewer_artists(one: str, other: str) -> None:
    assert song_key(one, "Song") == song_key(other, "Song")


def test_a_song_needs_both_names() -> None:
    assert song_key("A", "B") != song_key("B", "A")
    assert song_key("A", "B") != song_key("A", "C")


def test_the_first_artist_is_left_as_written() -> None:
    assert first_artist("Sigur Rós; Steindór Andersen") == "Sigur Rós"
    assert first_artist(", X") == ", X"


PIECES = "The|Live|at|(|)|[|]| - |feat.|ft|with|2011"
PIECES += "|Remastered|n|&|+|and|;|,|Song|İ|ß|①|½|\x1f|\u0301|が"
ANY = st.text() | st.lists(st.sampled_from(PIECES.split("|"))).map(" ".join)


@given(ANY)
def test_a_key_is_its_own_key_and_never_empty(name: str) -> None:
    for key_of in (artist_key, title_key):
        key = key_of(name)
        assert key_of(key) == key
        assert bool(key) == bool(name)


@given(ANY, ANY)
def test_a_song_key_has_two_parts(artist: str, title: str) -> None:
    assert song_key(artist, title).endswith("\x1f" + title_key(title))


@given(st.text(alphabet="abc xyz", min_size=1))
def test_case_does_not_matter(name: str) -> None:
    assert title_key(name.upper()) == title_key(name)
    assert artist_key(name.title()) == artist_key(name)
