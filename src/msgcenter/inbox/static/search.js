/** Search in texts, with the rules of the server's search (domain/search_text.py). */

// Letters that Unicode composes into one: a letter with its marks, half-width kana with a sound mark, Hangul parts.
const PIECES = /[\u1100-\u11ff]+|.[\p{M}\uff9e\uff9f]*/gsu;

/**
 * Return the form in which texts are compared: without case, and with one of Unicode's forms for the same text.
 *
 * @param {string} text
 */
export function fold(text) {
  // Upper case: "ß" becomes "SS" and both small sigmas become one letter. Lower case would keep them apart.
  return text.normalize("NFKC").toUpperCase().normalize("NFKC");
}

/**
 * Return whether one of the texts contains the query.
 *
 * @param {string} query
 * @param {string[]} texts
 */
export function matches(query, texts) {
  const needle = fold(query).trim();
  return texts.some((text) => fold(text).includes(needle));
}

/**
 * Return the places of a text that match the query: the start and end of each, in order, without overlaps.
 *
 * @param {string} query
 * @param {string} text
 * @returns {[start: number, end: number][]}
 */
export function placesOf(query, text) {
  const needle = fold(query).trim();
  if (!needle) return [];
  let folded = "";
  // For each letter of `folded`: where the piece of `text` that it comes from starts and ends.
  /** @type {[number, number][]} */
  const origins = [];
  for (const { 0: piece, index } of text.matchAll(PIECES)) {
    const foldedPiece = fold(piece);
    for (let count = 0; count < foldedPiece.length; count += 1) origins.push([index, index + piece.length]);
    folded += foldedPiece;
  }
  /** @type {[number, number][]} */
  const places = [];
  let end = 0;
  for (let start = folded.indexOf(needle); start >= 0; start = folded.indexOf(needle, end)) {
    end = start + needle.length;
    // A match may begin inside a letter that the last one has ended in: "s" is twice in "ß".
    const place = /** @type {[number, number]} */ ([
      Math.max(origins[start][0], places.at(-1)?.[1] ?? 0),
      origins[end - 1][1],
    ]);
    if (place[0] < place[1]) places.push(place);
  }
  return places;
}
