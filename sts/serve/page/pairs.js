// A file of pairs: checked here, scored by the server piece by piece, shown as a table and a histogram.

import { askPatiently } from "./api.js";
import { drawHistogram, onWidth } from "./draw.js";
import { by, element, showError, whileBusy } from "./forms.js";
import { count, onLanguage, say } from "./language.js";
import { parse, written } from "./tsv.js";

const CHUNK = 100;
const MOST_PAIRS = 20_000;
const MOST_ROWS = 200;
const MOST_LINES = 20;
let rows = [];
let bad = [];
let link = "";
let status = () => "";

export function startPairs() {
  by("pairs-form").addEventListener("submit", (event) => {
    event.preventDefault();
    scorePairs();
  });
  by("pairs-file").addEventListener("change", readFile);
  onLanguage(show);
  onWidth(drawScores);
}

async function readFile() {
  const file = by("pairs-file").files[0];
  if (!file) return;
  by("pairs-file-name").textContent = file.name;
  try {
    by("pairs-text").value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    showError("pairs", null);
  } catch {
    showError("pairs", () => say("no_utf8"));
  }
  by("pairs-file").value = ""; // so that the same file, once corrected, can be chosen again
}

function scorePairs() {
  return whileBusy(by("score-pairs"), async () => {
    const { pairs, bad: found } = parse(by("pairs-text").value);
    [rows, bad] = [[], found];
    const refused = refusal(pairs.length);
    showError("pairs", refused);
    status = () => "";
    if (!refused) await send(pairs);
    show();
  });
}

function refusal(length) {
  if (length > MOST_PAIRS) return () => say("too_many", count(length));
  return length + bad.length ? null : () => say("no_pairs");
}

async function send(pairs) {
  const stop = new AbortController();
  const cancel = () => stop.abort();
  by("cancel").addEventListener("click", cancel);
  by("cancel").hidden = by("progress").hidden = false;
  status = () => say("scored", count(rows.length), count(pairs.length));
  try {
    for (let start = 0; start < pairs.length; start += CHUNK) {
      by("progress").value = start / pairs.length;
      by("pairs-status").textContent = status();
      const answer = await askPatiently("v1/similarity/batch", { pairs: pairs.slice(start, start + CHUNK) }, stop.signal);
      rows = rows.concat(answer.results);
    }
  } catch (problem) {
    if (problem.name === "AbortError") status = () => say("stopped", count(rows.length), count(pairs.length));
    else showError("pairs", problem.tell);
  } finally {
    by("cancel").removeEventListener("click", cancel);
    by("cancel").hidden = by("progress").hidden = true;
  }
}

function show() {
  by("pairs-status").textContent = status();
  showBad();
  by("scored").hidden = !rows.length;
  if (link) URL.revokeObjectURL(link);
  link = "";
  if (!rows.length) return;
  drawScores();
  const body = by("pairs-table").tBodies[0];
  body.replaceChildren(...rows.slice(0, MOST_ROWS).map(tableRow));
  by("table-note").textContent = say("table_note", count(Math.min(MOST_ROWS, rows.length)), count(rows.length));
  // a byte order mark, so that spreadsheets read Korean
  link = URL.createObjectURL(new Blob(["\ufeff", written(rows)], { type: "text/tab-separated-values" }));
  by("download").href = link;
}

function drawScores() {
  if (rows.length) drawHistogram(by("histogram"), rows.map((row) => row.score));
}

function showBad() {
  const lines = bad.slice(0, MOST_LINES).map(({ line, kind, found }) => element("li", "", say(kind, line, found)));
  if (bad.length > MOST_LINES) lines.push(element("li", "", say("more_lines", count(bad.length - MOST_LINES))));
  if (bad.length) lines.unshift(element("li", "", say("left_out", count(bad.length))));
  by("bad-lines").replaceChildren(...lines);
  by("bad-lines").hidden = !bad.length;
}

function tableRow(row) {
  const made = element("tr");
  const sentences = [element("td", "", row.sentence1), element("td", "", row.sentence2)];
  for (const cell of sentences) cell.lang = "ko";
  made.append(...sentences, element("td", "number", row.score.toFixed(2)), element("td", "", say(row.similar ? "yes" : "no")));
  return made;
}
