// Drawings: the scale of a score, the words that go together, the histogram. SVG, in the page's own colours.

import { count, say } from "./language.js";

const NS = "http://www.w3.org/2000/svg";
const FONT = "16px system-ui, 'Apple SD Gothic Neo', 'Noto Sans KR', NanumGothic, 'Malgun Gothic', sans-serif";

const drawers = [];
let lastWidth = innerWidth;
let planned = 0;

/** Calls `drawer` when the window's width changes, once a frame at most. */
export function onWidth(drawer) {
  drawers.push(drawer);
}

addEventListener("resize", () => {
  if (innerWidth === lastWidth) return; // a phone's keyboard and address bar change the height, which changes no drawing
  lastWidth = innerWidth;
  cancelAnimationFrame(planned);
  planned = requestAnimationFrame(() => drawers.forEach((drawer) => drawer()));
});

function svg(name, attributes = {}, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawing(width, height, label) {
  const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  made.append(svg("title", {}, label));
  return made;
}

/** As wide as its place, so that its letters stay as large as the others on any screen. */
const widthOf = (place) => Math.max(240, Math.min(640, place.clientWidth));

/** A score from 0 to 5 on its scale, with the threshold. */
export function drawScale(place, score, threshold) {
  const whole = widthOf(place);
  const [left, width, line] = [14, whole - 28, 26];
  const at = (value) => left + (width * value) / 5;
  const made = drawing(whole, 62, say("scale_label", score.toFixed(2), threshold));
  made.append(
    svg("rect", { x: left, y: line - 5, width, height: 10, rx: 5, fill: "var(--line)" }),
    svg("rect", { x: left, y: line - 5, width: Math.max(10, at(score) - left), height: 10, rx: 5, fill: "var(--accent)" }),
    svg("line", { x1: at(threshold), x2: at(threshold), y1: line - 13, y2: line + 11, stroke: "var(--text)", "stroke-width": 2, "stroke-dasharray": "4 3" }),
    svg("text", { x: at(threshold) + 6, y: 12, "font-size": 13, class: "quiet" }, say("threshold")),
    svg("circle", { cx: at(score), cy: line, r: 10, fill: "var(--accent)", stroke: "var(--card)", "stroke-width": 3 }),
  );
  for (let tick = 0; tick <= 5; tick += 1) {
    made.append(svg("text", { x: at(tick), y: 56, "text-anchor": "middle", "font-size": 14, class: "quiet" }, tick));
  }
  place.replaceChildren(made);
}

/** Two sentences' words, one row above the other, and lines between those that go together. Returns the pairs, and the others. */
export function drawAlignment(place, sentence1, sentence2, alignment) {
  // positions are those of Unicode's characters, of which JavaScript's strings may need two for one
  const [one, two] = [Array.from(sentence1), Array.from(sentence2)];
  const rows = [
    laidOut(alignment.words1.map(({ start, end }) => one.slice(start, end).join("")), new Set(alignment.links.map((link) => link.word1))),
    laidOut(alignment.words2.map(({ start, end }) => two.slice(start, end).join("")), new Set(alignment.links.map((link) => link.word2))),
  ];
  const width = Math.max(rows[0].width, rows[1].width);
  const made = drawing(width, 132, say("alignment_label", sentence1, sentence2));
  made.setAttribute("width", width);
  made.setAttribute("height", 132);
  for (const link of alignment.links) {
    const [upper, lower] = [rows[0].words[link.word1], rows[1].words[link.word2]];
    const strength = Math.max(0, Math.min(1, link.similarity));
    const [x1, x2] = [upper.x + upper.width / 2, lower.x + lower.width / 2];
    made.append(svg("path", {
      d: `M${x1} 37 C${x1} 66, ${x2} 66, ${x2} 95`, fill: "none", stroke: "var(--accent)",
      "stroke-width": (1.5 + 4 * strength).toFixed(1), "stroke-opacity": (0.35 + 0.65 * strength).toFixed(2),
    }));
  }
  rows.forEach((row, number) => row.words.forEach((word) => made.append(...boxed(word, number ? 95 : 5))));
  place.replaceChildren(made);
  return {
    pairs: alignment.links.map((link) => [rows[0].words[link.word1].text, rows[1].words[link.word2].text]),
    single: rows.flatMap((row) => row.words).filter((word) => !word.linked).map((word) => word.text),
  };
}

function laidOut(texts, linked) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = FONT;
  let x = 2;
  const words = texts.map((text, number) => {
    const word = { text, x, width: Math.ceil(pen.measureText(text).width) + 18, linked: linked.has(number) };
    x += word.width + 10;
    return word;
  });
  return { words, width: Math.max(x, 40) };
}

function boxed(word, y) {
  const look = word.linked ? { fill: "var(--tint)", stroke: "var(--accent)" } : { fill: "none", stroke: "var(--field)", "stroke-dasharray": "4 3" };
  const text = svg("text", { x: word.x + word.width / 2, y: y + 22, "text-anchor": "middle" }, word.text);
  text.style.font = FONT;
  return [svg("rect", { x: word.x, y, width: word.width, height: 32, rx: 8, ...look }), text];
}

/** How many scores fall into each half point. */
export function drawHistogram(place, scores) {
  const counts = new Array(10).fill(0);
  for (const score of scores) counts[Math.min(9, Math.floor(score * 2))] += 1;
  const most = Math.max(1, ...counts);
  const label = say("histogram_label", counts.map((number, bin) => `${bin / 2}–${(bin + 1) / 2}: ${number}`).join(", "));
  const whole = widthOf(place);
  const step = (whole - 40) / 10;
  const made = drawing(whole, 216, label);
  counts.forEach((number, bin) => {
    const [x, height] = [20 + bin * step, (160 * number) / most];
    made.append(
      svg("rect", { class: "column", x: x + 2, y: 184 - height, width: step - 4, height, rx: 3, fill: "var(--accent)" }),
      svg("text", { x: x + step / 2, y: 178 - height, "text-anchor": "middle", "font-size": 13 }, number ? count(number) : ""),
    );
  });
  made.append(svg("line", { x1: 20, x2: whole - 20, y1: 184, y2: 184, stroke: "var(--field)" }));
  for (let tick = 0; tick <= 5; tick += 1) {
    made.append(svg("text", { x: 20 + 2 * tick * step, y: 206, "text-anchor": "middle", "font-size": 14, class: "quiet" }, tick));
  }
  place.replaceChildren(made);
}
