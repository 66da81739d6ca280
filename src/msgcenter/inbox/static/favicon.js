/** The icon of the page with the number of unread messages on it. */

const SIZE = 64;
const MAX_COUNT = 99;
const BELL = "M19 27a13 13 0 0 1 26 0c0 11 4.5 14 4.5 14H14.5S19 38 19 27Z M27.5 49a5 5 0 0 0 9 0";

/**
 * Draw the number of unread messages onto the icon; 0 restores it.
 *
 * @param {HTMLLinkElement} link The link element with rel "icon".
 * @param {number} unread
 */
export function drawFavicon(link, unread) {
  link.dataset.plain ??= link.href;
  if (!unread) {
    link.type = "image/svg+xml";
    link.href = link.dataset.plain;
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  drawBell(pen);
  drawCount(pen, unread > MAX_COUNT ? `${MAX_COUNT}+` : String(unread));
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}

/** @param {CanvasRenderingContext2D} pen */
function drawBell(pen) {
  pen.fillStyle = "#2f63d8";
  pen.beginPath();
  pen.roundRect(2, 2, 60, 60, 16);
  pen.fill();
  pen.strokeStyle = "#fff";
  pen.lineWidth = 4.5;
  pen.lineJoin = pen.lineCap = "round";
  pen.stroke(new Path2D(BELL));
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 */
function drawCount(pen, text) {
  pen.font = `700 ${text.length > 2 ? 21 : 27}px system-ui, sans-serif`;
  const width = Math.max(36, pen.measureText(text).width + 14);
  pen.fillStyle = "#d3312f";
  pen.beginPath();
  pen.roundRect(SIZE - width, 0, width, 36, 18);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(text, SIZE - width / 2, 19);
}
