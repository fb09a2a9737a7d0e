"""English words for invented names, and syllables for when words run out."""

from __future__ import annotations

from typing import Final

from segue.sources.simulation.style import words

__all__ = ["ADJECTIVES", "FIRSTS", "LASTS", "NOUNS", "PLACES", "SYLLABLES", "VERBS"]


SYLLABLES: Final = words(
    "ba bel bri ca cor da del dor el fa fen ga gor ha hal in ja ka kel kor la len lo lu ma mel "
    "mi mor na nel no or pa per qui ra ren ri ro sa sel so ta tel ti tor u va ven vi wa wel "
    "yo za zen"
)
"""For family names where the lists run out."""

ADJECTIVES: Final = words(
    "Golden Silver Hollow Paper Velvet Quiet Broken Wild Lonely Crooked Electric Distant Faded "
    "Gentle "
    "Heavy Burning Frozen Restless Sacred Secret Shallow Sleepy Slow Stolen Sudden Tender Tiny "
    "Twisted "
    "Vacant Warm Wicked Younger Bitter Blue Brave Bright Careless Clever Cold Dizzy Early "
    "Empty Endless "
    "Familiar Final Fragile Honest Hungry Idle Invisible Last Late Little Lost Lucky Magnetic "
    "Midnight "
    "Modern Narrow Northern Ordinary Pale Perfect Plastic Polite Proud Rusty Second Simple "
    "Southern "
    "Strange Summer Winter Unwritten Weightless White Black Crimson Amber Borrowed Better Open "
    "Only"
)
NOUNS: Final = words(
    "Harbour River Window Garden Mountain Shadow Mirror Engine Letter Lantern Thunder Ocean "
    "Signal "
    "Kingdom Feather Fever Highway Island Season Machine Memory Morning Evening Station "
    "Stranger "
    "Satellite Valley Parade Orchard Anchor Arrow Ashes Autumn Balcony Bell Bird Bones Bridge "
    "Candle "
    "Castle Cathedral Cinema Circle City Cloud Coast Colour Comet Compass Corner Crown Dancer "
    "Daughter "
    "Desert Diamond Door Dream Echo Ember Fire Flood Forest Fountain Ghost Glass Gravity Heart "
    "Heaven "
    "Honey Horizon House Hurricane Iron Joke Key Ladder Lake Lightning Lion Lullaby Map Meadow "
    "Moon "
    "Moth Museum Needle Neon Night Number Ocean Orange Oxygen Palace Photograph Pilot Planet "
    "Postcard "
    "Promise Radio Rain Rainbow Ribbon Road Rocket Roof Rose Sailor Salt Sand School Sea "
    "Silence Sister "
    "Skyline Smoke Snow Soldier Song Spring Staircase Star Stone Storm Street Sugar Sun Swan "
    "Telephone "
    "Tide Tiger Tower Town Train Valentine Violet Voice Wall Water Wave Weather Whisper Wind "
    "Wolf Wonder"
)
VERBS: Final = words(
    "Let_Me_In Come_Home Hold_On Run_Away Wake_Up Fall_Apart Stay_Awhile Turn_Around "
    "Call_My_Name "
    "Waiting_for_You Breathe_Again Drive_All_Night Keep_Talking Never_Again Not_Tonight "
    "Say_It_Twice "
    "Slow_Down Take_It_Back Talk_to_Me Tell_Me_Why Walk_Away Watch_Me_Go What_You_Said "
    "Where_We_Are "
    "Write_Me_Down You_and_I Burn_It_Down Carry_Me Close_Your_Eyes Count_to_Ten Cut_the_Lights "
    "Dance_With_Me Don't_Look_Back Easy_Does_It Feel_It_All Give_It_Up Go_Easy Half_Asleep "
    "I_Was_There "
    "If_You_Knew It's_Alright Leave_It_There Letting_Go Lie_to_Me Long_Way_Down Make_It_Right "
    "Meet_Me_There Nobody_Knows Nothing_Left Off_My_Mind On_and_On Out_of_Reach Over_and_Out "
    "Part_of_Me Pull_Me_Under Read_My_Mind See_You_Soon Shake_It_Loose Somebody_Else "
    "Start_Over "
    "Still_Here Too_Far_Gone Too_Late Tonight_We_Leave Under_My_Skin We_Could_Try"
)
PLACES: Final = words(
    "Avalon Brighton Cairo Carolina Dakota Denver Dover Eden Georgia Glasgow Havana Jericho "
    "Kansas "
    "Lisbon London Madrid Memphis Mexico Montana Nevada Oregon Oslo Paris Phoenix Prague Reno "
    "Rome "
    "Savannah Tokyo Tulsa Vienna Virginia Warsaw Wyoming Berlin Bristol Chicago Detroit Leeds "
    "Lima"
)
FIRSTS: Final = words(
    "Ada Alice Amber Anna April Ben Billie Caleb Cara Casey Charlie Clara Cole Daisy Dana Dean "
    "Della "
    "Edie Eli Ella Emmett Esther Ezra Faye Felix Finn Flora Frank George Grace Hank Harper "
    "Hazel Henry "
    "Holly Ida Iris Ivy Jack James Jane Jesse Joan Jonah Josie Jude June Kit Lena Leo Lily "
    "Lola Lou "
    "Lucy Luke Mabel Mae Maggie Marcus Margot Mia Miles Molly Nell Nina Noah Nora Olive Oscar "
    "Otis Owen "
    "Pearl Penny Phoebe Ray Reuben Robin Rosa Ruby Ruth Sadie Sam Sara Silas Stella Susie Theo "
    "Tom Una "
    "Vera Violet Wade Walter Will Wren Zoe"
)
LASTS: Final = words(
    "Abbott Alder Archer Ashby Atwood Bailey Barlow Beckett Bell Birch Blackwood Boone Brandt "
    "Briggs "
    "Calloway Carver Cassidy Chambers Clarke Cole Crane Dalton Darrow Dawson Doyle Drake "
    "Ellery Ellis "
    "Everett Fairchild Falk Farrow Finch Fletcher Fox Frost Gale Garland Glass Graves Greer "
    "Hale Harlow "
    "Hart Hayes Holloway Hollis Hughes Hyde Jarvis Keane Kemp Kerr Lacey Lane Langley Lark "
    "Lowell Marlow "
    "Marsh Mercer Monroe Moss Nash North Oakes Parrish Pike Poole Porter Pryce Quill Rhodes "
    "Rivers Rowe "
    "Sawyer Sears Shaw Sinclair Sloane Snow Sterling Stone Sutton Swift Tate Thorne Turner "
    "Vance Vaughn "
    "Wagner Walsh Ward Webb Wells West Whitlock Wilder Winters Wolfe Woods Yates York"
)
