// The page: its language, its key, and what the server has loaded.

import { ask, useKey } from "./api.js";
import { startCompare } from "./compare.js";
import { by } from "./forms.js";
import { apply, count, onLanguage, say, switchLanguage } from "./language.js";
import { startPairs } from "./pairs.js";
import { allowSearch, startSearch } from "./search.js";

let loaded = null;
let trouble = null;

async function look() {
  try {
    loaded = await ask("v1/models");
    trouble = null;
    allowSearch(loaded);
  } catch (problem) {
    trouble = problem.tell;
  }
  showModel();
}

function showModel() {
  const line = by("model");
  line.classList.toggle("error", Boolean(trouble));
  if (trouble || !loaded) {
    line.textContent = trouble ? trouble() : "";
    return;
  }
  const scorer = loaded.data.find((model) => model.role.includes("scorer"));
  const parts = [say("model", scorer.id, scorer.mode, scorer.base_model)];
  if (loaded.index) parts.push(say("model_index", count(loaded.index.sentences), loaded.index.kind));
  line.textContent = parts.join(" · ");
}

by("language").addEventListener("click", switchLanguage);
by("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(by("api-key").value.trim());
  by("key-form").hidden = true;
  look();
});
startCompare();
startSearch();
startPairs();
onLanguage(showModel);
apply();
look();
