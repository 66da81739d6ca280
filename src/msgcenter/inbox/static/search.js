/** Texts compared as the server's search compares them (domain/search_text.py), for what arrives meanwhile and for marking. */

// What becomes one letter when it is composed: a letter with its marks, a half-width kana with its sound mark, Hangul in parts.
const PIECES = /[\u1100-\u11ff]+|.[\p{M}\uff9e\uff9f]*/gsu;

/** Return a text as it is compared: without case, and in one form of those that Unicode has for the same. */
export function folded(text) {
  // Upper case, as "ß" becomes "SS" and both small sigmas become one letter; lower case would keep them apart.
  return text.normalize("NFKC").toUpperCase().normalize("NFKC");
}

/** Return where a text says what is searched for: [from, to] of each place, none overlapping. */
export function placesOf(query, text) {
  const what = folded(query).trim();
  if (!what) return [];
  let where = "";
  const pieces = [];
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    const said = folded(piece);
    for (let at = 0; at < said.length; at += 1) pieces.push([index, index + piece.length]);
    where += said;
  }
  const places = [];
  let from = 0;
  for (let at = where.indexOf(what); at >= 0; at = where.indexOf(what, from)) {
    from = at + what.length;
    places.push([Math.max(pieces[at][0], places.at(-1)?.[1] ?? 0), pieces[from - 1][1]]);
  }
  return places;
}
