// A file of pairs: read and scored by the server, scored piece by piece, shown as a table and a histogram.

import { askPatiently } from "./api.js";
import { drawHistogram, onWidth } from "./draw.js";
import { by, element, showError, whileBusy } from "./forms.js";
import { count, onLanguage, say } from "./language.js";
import { bare, written } from "./tsv.js";

const CHUNK = 100;
const MOST_ROWS = 200;
const MOST_LINES = 20;
let rows = [];
let bad = [];
let notes = [];
let leftOut = 0;
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

/** Lets the server read the chosen file, and shows the pairs that it found there, one a line. */
async function readFile() {
  const file = by("pairs-file").files[0];
  if (!file) return;
  by("pairs-file-name").textContent = file.name;
  by("pairs-file").value = ""; // so that the same file, once corrected, can be chosen again
  forget();
  const found = await ask(file.name, file, by("encoding").value);
  if (found) by("pairs-text").value = found.pairs.map(({ sentence1, sentence2 }) => [sentence1, sentence2].map(bare).join("\t")).join("\n");
  show();
}

function scorePairs() {
  return whileBusy(by("score-pairs"), async () => {
    const text = by("pairs-text").value;
    const kept = { bad, notes, leftOut };
    forget();
    if (!text.trim()) {
      showError("pairs", () => say("no_pairs"));
    } else {
      const found = await ask("pairs.tsv", new Blob([text]), "utf-8");
      // what was said of the file stays to be seen beside the scores of its lines
      notes = kept.notes;
      if (!bad.length) ({ bad, leftOut } = kept);
      if (found && found.pairs.length) await send(found.pairs.map(({ sentence1, sentence2 }) => ({ sentence1, sentence2 })));
      else if (found && !bad.length) showError("pairs", () => say("no_pairs"));
    }
    show();
  });
}

function forget() {
  [rows, bad, notes, leftOut] = [[], [], [], 0];
  status = () => "";
  showError("pairs", null);
}

/** What the server reads in a file; null where it can't, which is said. */
async function ask(name, blob, encoding) {
  try {
    const found = await askPatiently("v1/pairs/read", { name, content: await base64(blob), encoding }, new AbortController().signal);
    [bad, notes, leftOut] = [found.bad, found.notes, found.left_out];
    if (!found.error) return found;
    showError("pairs", () => say(`file_${found.error.kind}`, found.error.detail));
  } catch (problem) {
    showError("pairs", problem.tell);
  }
  return null;
}

function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
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
  const unknown = rows.filter((row) => row.unknown).length;
  const told = [say("table_note", count(Math.min(MOST_ROWS, rows.length)), count(rows.length))];
  if (unknown) told.push(say("unknown_pairs", count(unknown)));
  by("table-note").textContent = told.join(" ");
  // a byte order mark, so that spreadsheets read Korean
  link = URL.createObjectURL(new Blob(["\ufeff", written(rows)], { type: "text/tab-separated-values" }));
  by("download").href = link;
}

function drawScores() {
  if (rows.length) drawHistogram(by("histogram"), rows.map((row) => row.score));
}

function showBad() {
  const lines = bad.slice(0, MOST_LINES).map(({ row, kind, problem }) => element("li", "", say(`bad_${kind}`, count(row), problem)));
  if (leftOut > lines.length) lines.push(element("li", "", say("more_lines", count(leftOut - lines.length))));
  if (lines.length) lines.unshift(element("li", "", say("left_out", count(leftOut))));
  by("bad-lines").replaceChildren(...lines);
  by("bad-lines").hidden = !lines.length;
  by("pairs-notes").replaceChildren(...notes.map((note) => element("li", "", note)));
  by("pairs-notes").hidden = !notes.length;
}

function tableRow(row) {
  const made = element("tr");
  const sentences = [element("td", "", row.sentence1), element("td", "", row.sentence2)];
  for (const cell of sentences) cell.lang = "ko";
  made.append(...sentences, element("td", "number", row.score.toFixed(2)), element("td", "", say(row.similar ? "yes" : "no")));
  return made;
}
