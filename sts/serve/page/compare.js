// Two sentences, their score, and which words go together.

import { ask } from "./api.js";
import { drawAlignment, drawScale, onWidth } from "./draw.js";
import { by, element, filled, showError, showProblem, whileBusy } from "./forms.js";
import { onLanguage, percent, say } from "./language.js";
import { EXAMPLES } from "./texts.js";

const FIELDS = { "/sentence1": "sentence1", "/sentence2": "sentence2" };
let shown = null;

export function startCompare() {
  by("compare-form").addEventListener("submit", (event) => {
    event.preventDefault();
    compare();
  });
  by("compare-form").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) compare();
  });
  for (const pair of EXAMPLES) by("examples").append(example(pair));
  onLanguage(show);
  onWidth(drawScore);
}

function example([sentence1, sentence2]) {
  const button = element("button", "", `${sentence1} / ${sentence2}`);
  button.type = "button";
  button.lang = "ko";
  button.addEventListener("click", () => {
    by("sentence1").value = sentence1;
    by("sentence2").value = sentence2;
    compare();
  });
  const item = element("li");
  item.append(button);
  return item;
}

function compare() {
  return whileBusy(by("compare"), async () => {
    showError("compare", null);
    if (!filled("sentence1", "sentence2")) return;
    const pair = { sentence1: by("sentence1").value, sentence2: by("sentence2").value };
    try {
      const [answer, alignment] = await Promise.all([
        ask("v1/similarity", pair),
        ask("v1/alignment", pair).catch(() => null), // the score is worth showing without it
      ]);
      shown = { answer, alignment };
    } catch (problem) {
      shown = null;
      showProblem(problem, "compare", FIELDS);
    }
    show();
  });
}

function show() {
  by("compared").hidden = !shown;
  if (!shown) return;
  const { answer, alignment } = shown;
  by("score").textContent = answer.score.toFixed(2);
  const unread = !answer.similar && answer.score >= answer.threshold;
  by("verdict").textContent = unread ? say("similar_unread") : say(answer.similar ? "similar_yes" : "similar_no", answer.threshold);
  by("verdict").classList.toggle("yes", answer.similar);
  by("rubric").textContent = say("rubric")[Math.round(answer.score)];
  by("truncated").hidden = !answer.truncated;
  by("unknown").hidden = !answer.unknown;
  by("unknown").textContent = answer.unknown ? say("unknown", percent(answer.unknown)) : "";
  drawScore();
  showAlignment(answer, alignment);
}

function drawScore() {
  if (shown) drawScale(by("scale"), shown.answer.score, shown.answer.threshold);
}

/** Draws the words, and tells the same as text, for those who don't see the drawing. */
function showAlignment(answer, alignment) {
  by("alignment").hidden = !alignment;
  by("alignment").replaceChildren();
  by("alignment-pairs").replaceChildren();
  by("alignment-note").textContent = say("alignment_failed");
  if (!alignment) return;
  const { pairs, single } = drawAlignment(by("alignment"), answer.sentence1, answer.sentence2, alignment);
  for (const [one, two] of pairs) {
    const item = element("li", "", `${one} ↔ ${two}`);
    item.lang = "ko";
    by("alignment-pairs").append(item);
  }
  const none = pairs.length ? "" : say("alignment_none");
  by("alignment-note").textContent = none || (single.length ? say("alignment_single", single.join(", ")) : "");
}
