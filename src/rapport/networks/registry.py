"""Which networks exist: the folders beside this file, and installed packages' entry points.

Deleting a network's folder removes the network; nothing else names it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points

import rapport.networks as package
from rapport.networks.base import Account, Connector


class UnknownNetwork(LookupError):
    """No installed connector speaks that network."""


@functools.cache
def connectors() -> Mapping[str, type[Connector]]:
    """Connector class by network name, built-in ones first."""
    found: dict[str, type[Connector]] = {}
    for module in pkgutil.iter_modules(package.__path__):
        # A folder without one holds what several networks share.
        name = f"{package.__name__}.{module.name}.connector"
        if module.ispkg and importlib.util.find_spec(name) is not None:
            cls = importlib.import_module(name).CONNECTOR
            found[cls.network] = cls
    for entry in entry_points(group="rapport.networks"):
        cls = entry.load()
        found.setdefault(cls.network, cls)
    return found


def connector_class(network: str) -> type[Connector]:
    """The class that speaks ``network``. Raises :class:`UnknownNetwork`."""
    try:
        return connectors()[network]
    except KeyError:
        raise UnknownNetwork(f"no connector is installed for the network {network!r}") from None


def connect(network: str, account: Account) -> Connector:
    """A connector for one channel."""
    return connector_class(network)(account)


def django_apps() -> list[str]:
    """Networks that bring tables or pages of their own. Called before Django is set up."""
    return [
        f"{package.__name__}.{module.name}"
        for module in pkgutil.iter_modules(package.__path__)
        if module.ispkg and importlib.util.find_spec(f"{package.__name__}.{module.name}.apps") is not None
    ]


def is_here(network: str) -> bool:
    """Whether a network of ours has its folder; what other rooms keep for it alone goes with the folder."""
    return any(module.name == network for module in pkgutil.iter_modules(package.__path__))


def url_modules() -> dict[str, str]:
    """Network name → module of URL patterns, for networks that serve pages (mounted at ``/<name>/``)."""
    return {
        module.name: f"{package.__name__}.{module.name}.urls"
        for module in pkgutil.iter_modules(package.__path__)
        if module.ispkg and importlib.util.find_spec(f"{package.__name__}.{module.name}.urls") is not None
    }
