"""One channel's capture: pull, cut, take pictures, ship, keep the manifest."""
