// Similar sentences from the server's index.

import { ask } from "./api.js";
import { by, element, filled, showError, showProblem, whileBusy } from "./forms.js";
import { count, onLanguage, say } from "./language.js";

let total = 0;
let found = null;

export function startSearch() {
  by("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  onLanguage(show);
  onLanguage(() => { by("no-index").textContent = say("no_index"); });
}

/** What the server's models and index allow. */
export function allowSearch(models) {
  total = models.index ? models.index.sentences : 0;
  by("search-form").hidden = !models.index;
  by("no-index").hidden = Boolean(models.index);
  by("rerank").disabled = !models.data.some((model) => model.mode === "cross" && model.role.includes("scorer"));
}

function search() {
  return whileBusy(by("search"), async () => {
    showError("search", null);
    if (!filled("query")) return;
    const body = { sentence: by("query").value, top_k: Number(by("top-k").value), rerank: by("rerank").checked };
    try {
      found = await ask("v1/search", body);
    } catch (problem) {
      found = null;
      showProblem(problem, "search", { "/sentence": "query" });
    }
    show();
  });
}

function show() {
  by("results").replaceChildren(...(found ? found.results.map(row) : []));
  const none = found && !found.results.length;
  by("search-status").textContent = none ? say("none_found") : found ? say("found", count(found.results.length), count(total)) : "";
}

function row(hit) {
  const item = element("li");
  const meter = element("meter");
  Object.assign(meter, { min: 0, max: 5, value: hit.score });
  meter.setAttribute("aria-hidden", "true"); // the number beside it says the same
  const text = element("div", "text");
  const sentence = element("span", "sentence", hit.sentence);
  sentence.lang = "ko";
  text.append(sentence, tags(hit.metadata));
  item.append(element("span", "value", hit.score.toFixed(2)), meter, text);
  return item;
}

function tags(metadata) {
  const made = element("div", "tags");
  for (const [name, value] of Object.entries(metadata)) {
    if (value !== null && value !== "") made.append(element("span", "", `${name}: ${value}`));
  }
  return made;
}
