"""Providers mocked on the wire: each plays its part of the conversation and notes every rule that the client breaks."""
import os

from . import crypto_asia, crypto_large, crypto_more, polled, stocks

MODULES = (crypto_large, crypto_more, crypto_asia, stocks, polled)
KINDS = [kind for module in MODULES for kind in module.PROVIDERS]


def all_providers():
    """A fresh mock of every provider, or of those that TICKWIRE_TEST_PROVIDERS names, separated by commas."""
    only = os.environ.get("TICKWIRE_TEST_PROVIDERS")
    return [kind() for kind in KINDS if not only or kind.feed in only.split(",")]
