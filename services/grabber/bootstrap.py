"""Builds what a grab needs from its order: the one module that names the guard's settings."""

from __future__ import annotations

from services.adapters.address_guard import AddressGuard
from services.domain.addresses import networks
from services.domain.grab import GrabOrder


def guard_of(order: GrabOrder) -> AddressGuard:
    """Give the guard that an order's setting asks for."""
    return AddressGuard(networks(order.allowed_networks))
