"""A stand-in for Spotify: its accounts service and Web API by the rules of 2026, on loopback."""

from segue.fakes.catalogue import Catalogue, Track
from segue.fakes.clock import Clock
from segue.fakes.faults import KINDS, Fault
from segue.fakes.spotify.openapi_check import load_openapi
from segue.fakes.spotify.people import SCOPES, App, User
from segue.fakes.spotify.player import Device, Played, Player
from segue.fakes.spotify.playlist import Playlist
from segue.fakes.spotify.rules import Rules
from segue.fakes.spotify.server import FakeSpotify
from segue.fakes.spotify.world import World

__all__ = [
    "KINDS",
    "SCOPES",
    "App",
    "Catalogue",
    "Clock",
    "Device",
    "FakeSpotify",
    "Fault",
    "Played",
    "Player",
    "Playlist",
    "Rules",
    "Track",
    "User",
    "World",
    "load_openapi",
]
