// The admin token: comes in the address's fragment, which browsers send to nobody, and stays in this tab.

const NAME = "streamkeep-token";

export function token() {
  return sessionStorage.getItem(NAME);
}

export function remember(value) {
  sessionStorage.setItem(NAME, value);
}

// Takes the token out of `#token=…`, so that it is neither shown nor kept in the history.
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  remember(given);
  history.replaceState(null, "", `${location.pathname}#/`);
}

// Forgets the token and tells the page, which asks for another.
export function forget() {
  sessionStorage.removeItem(NAME);
  window.dispatchEvent(new Event("signed-out"));
}
