"""Word lists and patterns that invented artists, albums and titles are made of, one set a style.

In a pattern, {a} is an adjective, {n} and {m} are nouns, {v} a verb phrase, {p} a place, {f} a
first name, {l} a family name, {i} a number. Every name is invented; likeness is chance.
"""

from __future__ import annotations

from typing import Final

from segue.sources.simulation.english_words import (
    ADJECTIVES,
    FIRSTS,
    LASTS,
    NOUNS,
    PLACES,
    VERBS,
)
from segue.sources.simulation.style import Style, lines, words

__all__ = ["STYLES"]


_ENGLISH: Final = Style(
    adjectives=ADJECTIVES,
    nouns=NOUNS,
    verbs=VERBS,
    places=PLACES,
    firsts=FIRSTS,
    lasts=LASTS,
    artists=lines(
        """{f} {l}
        {f} {l}
        {f} {l}
        {f} {n}
        {f}
        {n} {m}
        The {a} {n}
        {a} {n}
        {n} & the {m}
        {f} and the {n}
        {l} & {n}"""
    ),
    titles=lines(
        """{a} {n}
        {v}
        {n}
        {v}
        The {n} and the {m}
        {n} in the {m}
        {v} ({n})
        {f}
        {f}'s {n}
        Another {n}
        {p}
        My {a} {n}
        Without a {n}
        {n} of {p}
        Like a {n}
        {v}, {f}"""
    ),
)


def _style(
    *,
    artists: str,
    titles: str,
    adjectives: str = "",
    nouns: str = "",
    verbs: str = "",
    places: str = "",
    firsts: str = "",
    lasts: str = "",
    alone: bool = False,
) -> Style:
    """A style from its own words, which come before the English ones unless it stands alone."""

    def both(own: str, english: tuple[str, ...]) -> tuple[str, ...]:
        mine = words(own)
        return (mine or english) if alone else mine + mine + english

    return Style(
        adjectives=both(adjectives, ADJECTIVES),
        nouns=both(nouns, NOUNS),
        verbs=both(verbs, VERBS),
        places=words(places) or PLACES,
        firsts=both(firsts, FIRSTS),
        lasts=both(lasts, LASTS),
        artists=lines(artists),
        titles=lines(titles),
    )


STYLES: Final[dict[str, Style]] = {
    "english": _ENGLISH,
    "electronic": _style(
        adjectives="Analog Binary Chrome Digital Hyper Liquid Lunar Neon Parallel Polar Solar "
        "Static "
        "Synthetic Ultra Virtual Infinite Orbital Modular",
        nouns="Circuit Cluster Current Delay Drift Frequency Function Grid Impulse Loop Matrix "
        "Motion "
        "Object Phase Pixel Pulse Sequence Sensor Spectrum System Theory Vector Voltage Zone",
        verbs="Feel_the_Bass Let_It_Move Lose_Control Take_Me_Higher All_Night_Long "
        "Into_the_Night "
        "Give_Me_More Free_Your_Mind Move_Your_Body Rise_Again",
        artists="""{n} {m}
        {n}
        {a} {n}
        DJ {f}
        {l}
        {n}.{m}
        {l} & {f}
        {f} {l}""",
        titles="""{v}
        {a} {n}
        {n}
        {v} - Extended Mix
        {n} {i}
        {a} {n} - Original Mix
        {n} in {p}
        {n} / {m}
        {v} - Radio Edit
        {n} {m}""",
    ),
    "rap": _style(
        adjectives="Big Cold Fly Real Solid Heavy Raw Young Lil Fast Loud Broke Rich Gold",
        nouns="Block Bag Check Chain Corner Crown Drip Empire Flow Hustle Ice Money Motion "
        "Paper Pressure "
        "Respect Smoke Steel Tape Team Throne Vault Whip Wave Racks",
        verbs="Run_It_Up No_Sleep Stay_Down Came_Up All_In Count_It_Up Can't_Fold On_My_Own "
        "Say_Less "
        "Still_Standing Told_Ya Never_Switch Top_Down What_It_Cost",
        artists="""Lil {n}
        Young {l}
        {f} {n}
        {n} God
        MC {l}
        Big {f}
        {a} {f}
        {l} Tha {n}
        {f} ${l}
        {n} Boyz
        {a}{n}""",
        titles="""{v}
        {n}
        {n} Talk
        {a} {n}
        {n} on {n}
        {v} (Interlude)
        {i} {n}s
        {f} Freestyle
        {n} & {m}
        Back to {p}""",
    ),
    "soul": _style(
        adjectives="Sweet Smooth Deep Soulful Funky Lovin'",
        nouns="Love Lover Baby Heart Groove Rhythm Soul Kiss Touch Lady Brother Feeling Honey Fire",
        verbs="Love_Me_Right Give_Me_Love Get_Down_Tonight Stay_With_Me_Baby Don't_Leave_Me "
        "Love_Come_Back Keep_On_Dancing Move_a_Little_Closer",
        artists="""{f} {l}
        The {n}s
        {f} {l} & the {n}s
        {l} {n} Band
        The {a} {n}s
        Brother {l}
        {l} & Sons""",
        titles="""{v}
        {a} {n}
        {n} of Mine
        Got the {n}
        {v}, Pt. {i}
        My {n}
        {n} Train
        Sweet {f}
        Ain't No {n}""",
    ),
    "rock": _style(
        adjectives="Rotten Static Savage Suburban Nervous Reckless Feral",
        nouns="Riot Static Concrete Gasoline Motel Cannonball Wreck Razor Teeth Basement Trigger",
        verbs="Burn_the_Map Nothing_to_Lose Scream_at_the_Sky Stay_Young Kick_It_In Start_a_Fire",
        artists="""The {n}s
        The {a} {n}s
        {a} {n}
        {n} {m}
        {n} for {p}
        {p} {n}
        {f} {l}
        {n} Club
        We Are {n}
        {l}""",
        titles="""{v}
        {a} {n}
        {n}
        {n} {m}
        Kill the {n}
        {n} from {p}
        {f} Says
        The {n}
        {i} {n}s
        No {n}, No {m}
        {v}!""",
    ),
    "metal": _style(
        adjectives="Blackened Unholy Eternal Cursed Forsaken Infernal Ancient Impure Fallen "
        "Obsidian",
        nouns="Wrath Tomb Throne Serpent Blasphemy Oblivion Ruin Abyss Plague Carrion Dusk "
        "Pyre Scourge "
        "Gallows Torment Requiem Winter Frost Blood Hammer",
        verbs="Feast_of_Crows Beneath_the_Ashes March_to_Ruin Bow_Before_None Drown_in_Silence "
        "Throne_of_Nothing From_the_Grave",
        firsts="Björn Håkan Sören Jürgen Ragnar Ulf",
        artists="""{a} {n}
        {n}
        {n}{m}
        {n} of {m}
        {a} {n}s
        Mörk {n}
        {n} Ülver""",
        titles="""{n} of {m}
        {a} {n}
        {v}
        {n}
        The {a} {n}
        Into the {n}
        {n}, {m}, {n}
        {n} {i}: {m}""",
    ),
    "country": _style(
        adjectives="Dusty Whiskey Backroad Southern Honky-Tonk Barefoot Faithful",
        nouns="Truck Porch Whiskey Creek Church Fiddle Boots Tailgate Daddy Mama Fence "
        "Cornfield Dixie "
        "Hometown Jukebox Barstool Horse",
        verbs="Drink_to_That Take_the_Long_Road Pray_for_Rain Raised_on_This "
        "Leave_the_Porch_Light_On "
        "Back_Where_I_Belong",
        artists="""{f} {l}
        {f} {l}
        {f} Lou {l}
        {l} County
        The {l} Brothers
        {f} {l} Band""",
        titles="""{v}
        {a} {n}
        {n} Song
        {n} Town
        {p} {n}
        {n} and {m}
        My {n}
        {f}'s {n}
        That {a} {n}""",
    ),
    "jazz": _style(
        nouns="Blues Bounce Waltz Ballad Swing Stride Corner Alley Mood Suite",
        artists="""{f} {l}
        {f} {l} Trio
        {f} {l} Quartet
        The {l} Quintet
        {f} {l} & {f} {l}
        {l} Big Band""",
        titles="""Blues for {f}
        {f}'s {n}
        {a} {n}
        {n} in {p}
        {v}
        {l}'s {n}
        Waltz for {f}
        {n} No. {i}
        {n} - Take {i}""",
    ),
    "classical": _style(
        adjectives="Allegro Andante Adagio Presto Largo Vivace Moderato Lento",
        nouns="Sonata Symphony Concerto Nocturne Étude Prelude Quartet Partita Fantasia "
        "Impromptu Ballade",
        places="A_Minor B_Minor C_Minor D_Minor E_Minor F_Minor G_Minor A_Major B-Flat_Major "
        "C_Major "
        "D_Major E-Flat_Major F_Major G_Major F-Sharp_Minor C-Sharp_Minor",
        firsts="Anton Antonín César Clémence Dmitri Élise Émile Franz Frédérique Friedrich "
        "Ilse Johann "
        "Károly Leoš Ludmila Niccolò Otto Paul Sergei Théodore Zdeněk",
        lasts="Albrecht Balázs Černý Dvorský Fauvel Grünwald Hölzer Janáčová Kübler Lindqvist "
        "Müllerová "
        "Novotný Petrov Rössler Schönfeld Szabó Tarkovsky Vögel Weiß",
        artists="""{f} {l}
        {f} {l}
        {l} Quartet
        {l} Philharmonic Orchestra
        {f} {l} Ensemble
        Orchestra of St. {f}""",
        titles="""{n} No. {i} in {p}: I. {a}
        {n} No. {i} in {p}: II. {a}
        {n} No. {i} in {p}, Op. {j}: III. {a}
        {n} in {p}, Op. {j} No. {i}
        {n} No. {i} in {p}
        {j} Variations: Var. {i}. {a}""",
        alone=True,
    ),
    "french": _style(
        adjectives="Petit Doux Dernier Bleu Lointain Fragile Éternel Étrange Perdu",
        nouns="Matin Soleil Été Hiver Forêt Rivière Étoile Nuage Fenêtre Café Cœur Château "
        "Fête Île "
        "Lumière Océan Rêve Voyage Pluie Rue Mémoire",
        verbs="Je_t'attends Reviens-moi Dis-moi_pourquoi Ne_pars_pas Encore_un_soir "
        "On_s'aimera "
        "Où_es-tu Comme_avant Tout_recommencer L'heure_bleue Ça_ira",
        places="Paris Marseille Nîmes Orléans Besançon Montréal Bruxelles Genève",
        firsts="Amélie Benoît Céline Chloé Édith Élodie François Gaël Hélène Jérôme Léa Loïc "
        "Maëlle Noé "
        "Océane René Thérèse Zoé",
        lasts="Beaumont Bérenger Carré Delacour Dubois Fontaine Garnier Lefèvre Legrand "
        "Mercier Moreau "
        "Noël Perrault Rivière Rousselle Séverin Tessier Valéry",
        artists="""{f} {l}
        {f} {l}
        {f}
        Les {n}s
        {n} {a}
        {l}""",
        titles="""{v}
        Le {n}
        {n} {a}
        Sans {n}
        {n} à {p}
        Un {n} de {m}
        {f}
        La chanson de {f}
        {n} et {m}""",
        alone=True,
    ),
    "spanish": _style(
        adjectives="Loco Dulce Prohibido Eterno Salvaje Rojo Lento Peligroso Bonito",
        nouns="Corazón Noche Fuego Luna Sol Mar Amor Sueño Calle Canción Ilusión Pasión Mañana "
        "Niña "
        "Verano Cielo Beso Rumba Veneno Adiós",
        verbs="Te_Extraño Dime_Que_Sí No_Me_Olvides Baila_Conmigo Ya_No_Más Vuelve_a_Mí "
        "Así_Es_la_Vida "
        "Qué_Más_Pues Sin_Ti Mírame_Bien Dónde_Estás Otra_Vez",
        places="Medellín Bogotá Málaga Córdoba Cancún Perú Panamá San_Juan Asunción",
        firsts="Adrián Andrés Belén Camila Daniela Esteban Inés Iván Jesús José Lucía Maité "
        "Martín Mónica "
        "Nicolás Ramón Raúl Rocío Sofía Tomás Valentina Ximena",
        lasts="Acuña Benítez Castaño Durán Echeverría Fernández García Ibáñez Jiménez López "
        "Márquez "
        "Muñoz Núñez Ocaña Peña Quiñones Ramírez Sánchez Vázquez Zúñiga",
        artists="""{f} {l}
        {f} {l}
        {f}
        Los {n}es
        Grupo {n}
        {f} y {f}
        Orquesta {l}
        El {n}""",
        titles="""{v}
        {n} {a}
        Mi {n}
        {n} de {m}
        {v}
        La {n}
        {n} en {p}
        Un {n}, Un {m}
        {v} - Remix
        Como {n}""",
        alone=True,
    ),
    "portuguese": _style(
        adjectives="Azul Antigo Distante Sozinho Bom Pequeno Sereno",
        nouns="Coração Saudade Manhã Praia Estação Canção Ilusão Paixão Avião Verão Lua Rosa "
        "Samba Vento "
        "Céu Jardim Água Ilha São_João",
        verbs="Não_Vá_Embora Você_e_Eu Até_Amanhã Vem_Cá É_Assim Deixa_Rolar Me_Dá_a_Mão "
        "Só_Nós_Dois "
        "Chega_Mais Amanhã_Eu_Vou",
        places="São_Paulo Bahia Niterói Belém Maceió Goiás Ipanema Lisboa",
        firsts="Antônia Caetana Flávio Inês João Júlia Léo Luís Márcia Otávio Ângela Sebastião "
        "Tomé Zé",
        lasts="Araújo Brandão Conceição Falcão Guimarães Leão Magalhães Moraes Nóbrega Paixão "
        "Seixas "
        "Simões Valença Veríssimo",
        artists="""{f} {l}
        {f} {l}
        {f}
        {f} & {f}
        Os {n}s
        Trio {n}""",
        titles="""{v}
        {n} {a}
        {n} de {m}
        Meu {n}
        {n} em {p}
        {v}
        {n} e {m}
        Samba de {f}""",
        alone=True,
    ),
    "japanese": _style(
        adjectives="青い 遠い 小さな 静かな 最後の 透明な 眠れない 真夜中の",
        nouns="夜 星 空 海 花 夢 風 雨 月 光 街 春 夏 秋 冬 約束 手紙 電車 季節 世界 記憶 さくら "
        "メロディ ノイズ ヒーロー カメラ",
        verbs="ありがとう さよなら また明日 忘れないで 走り出す 君を待つ 何度でも "
        "そばにいて もう一度",
        places="東京 京都 横浜 札幌 渋谷 神戸",
        firsts="Haruka Yuki Aoi 葵 美咲 Ren Sora 拓海 ひかり Kenta",
        lasts="Takahashi 中村 Ishikawa 森山 Fujii 藤原 Kuroda 白石 Ōnishi 星野",
        artists="""{l} {f}
        {f}
        {n}と{m}
        {n}{m}
        The {f}s
        {n}少年
        {p}ナイト{n}""",
        titles="""{n}
        {a}{n}
        {n}と{m}
        {v}
        {n}の{m}
        {p}{n}
        {v} ~{n}~
        {n} No.{i}""",
        alone=True,
    ),
    "korean": _style(
        adjectives="Dreamy Shining Crystal Secret Cherry Midnight",
        nouns="Galaxy Butterfly Candy Diary Signal Crush Puzzle Fantasy 별 봄날 하루 마음 "
        "바람 비밀 우주 꽃",
        verbs="사랑해 괜찮아 보고_싶어 Ring_My_Bell Call_Me_Baby Look_at_Me_Now 다시_만나 "
        "Boom_Boom Pop_It_Up",
        firsts="Jiwoo Minseo Haneul Seoyun Dohyun 하늘 지우 서연 Jihoon Yuna",
        lasts="Kim Park Choi Jung Kang Yoon Shin Han",
        artists="""{l} {f}
        {f}
        {n}-{i}
        {n} Girls
        {n}BOYZ
        {a} {n}""",
        titles="""{v}
        {n}
        {a} {n}
        {n} ({m})
        {v} ({n})
        {n} {m}
        My {n}""",
    ),
    "nordic": _style(
        adjectives="Blå Stille Første Dyp Grå Høy Kald Lys Mørk",
        nouns="Fjell Sjø Måne Skog Ø Bølge Natt Vår Høst Snø Bjørk Ljós Þögn Haf Tåke Vind "
        "Jökull Ströme "
        "Ängel Älv",
        verbs="Vi_ses Hjem_igjen Så_langt Når_du_går Jag_är_här Under_isen Ljúfa_nótt",
        places="Tromsø Malmö Göteborg Ísafjörður Århus Bodø Umeå Reykjavík",
        firsts="Ása Bjørn Åse Søren Jóhann Øyvind Märta Sólveig Håkon Sigríður Åke Lærke",
        lasts="Ødegård Bergström Sørensen Ólafsdóttir Åkerlund Lövgren Nygård Þórsson Hjort Mæland",
        artists="""{f} {l}
        {f} {l}
        {n}
        {n}{m}
        {f}
        {l} Ensemble""",
        titles="""{n}
        {a} {n}
        {v}
        {n} / {m}
        {n} {i}
        {p}
        {n} ved {p}
        {n} og {m}""",
        alone=True,
    ),
    "afro": _style(
        adjectives="Roots Conquering Natural Irie Rising Upful",
        nouns="Lion Zion Babylon Fire Riddim Rhythm Jungle Drum Sunrise Vibration Mountain "
        "Nation Harvest",
        verbs="Rise_Up Stand_Firm Chant_It Love_Everyone No_Wahala Make_We_Dance "
        "One_Day_Go_Come "
        "Oya_Now Give_Thanks",
        places="Lagos Kingston Accra Dakar Kumasi Addis Bamako Montego",
        firsts="Adé Kwame Ngozi Fela Sékou Aïcha Bola Chidi Moussa Ọlá Tunde Zainab",
        lasts="Adébáyò Diabaté Keïta Mensah Okafor Traoré Campbell Marshall Brown Àjàyí",
        artists="""{f} {l}
        {f} {l}
        Ras {f}
        {n} {m} Band
        {f}
        The {n}s
        Prince {l}""",
        titles="""{v}
        {n} {m}
        {a} {n}
        {n} in {p}
        {v} (Dub)
        {n} of {p}
        {n} Version
        {f}'s {n}""",
    ),
}
