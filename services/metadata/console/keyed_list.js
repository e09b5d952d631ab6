// Children of one element, one for each item of a list: kept, changed in place, added and removed by their keys, so
// that nothing flickers and the focus stays where it is.

export class KeyedList {
  #parent;
  #keyOf;
  #make;
  #rows = new Map();

  // `make` gives an item's row: `{ node, update(item, place), leave() }`, the last two if it has use for them.
  constructor(parent, keyOf, make) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  show(items) {
    const wanted = new Set(items.map(this.#keyOf));
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) this.#drop(key, row);
    }
    let place = this.#parent.firstElementChild;
    for (const [at, item] of items.entries()) {
      const row = this.#row(item);
      row.update?.(item, at);
      if (row.node === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(row.node, place);
    }
  }

  clear() {
    this.show([]);
  }

  #row(item) {
    const key = this.#keyOf(item);
    if (!this.#rows.has(key)) this.#rows.set(key, this.#make(item));
    return this.#rows.get(key);
  }

  #drop(key, row) {
    row.leave?.();
    row.node.remove();
    this.#rows.delete(key);
  }
}
