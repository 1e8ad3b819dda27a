// What the three forms share: errors where they belong, and a button that waits.

import { onLanguage, say } from "./language.js";

export const by = (id) => document.getElementById(id);
const errors = new Map();
onLanguage(() => errors.forEach((tell, id) => { by(`${id}-error`).textContent = tell(); }));

/** Shows an error below a field (or a form), said by `tell` in the language of the moment; without it, takes it away. */
export function showError(id, tell) {
  const place = by(`${id}-error`);
  if (tell) errors.set(id, tell);
  else errors.delete(id);
  place.textContent = tell ? tell() : "";
  place.hidden = !tell;
  const field = by(id);
  if (field && field.matches("input, textarea")) field.setAttribute("aria-invalid", String(Boolean(tell)));
}

/** Whether each of the fields holds a sentence; says so below those that do not, and goes to the first. */
export function filled(...ids) {
  const empty = ids.filter((id) => !by(id).value.trim());
  for (const id of ids) showError(id, empty.includes(id) ? () => say("empty") : null);
  if (empty.length) by(empty[0]).focus();
  return !empty.length;
}

/** Shows what went wrong at the fields that the problem names, by pointer, and the rest below the form. */
export function showProblem(problem, form, fields = {}) {
  let placed = false;
  for (const { pointer, rule } of problem.fields || []) {
    if (!(pointer in fields)) continue;
    showError(fields[pointer], () => rule);
    placed = true;
  }
  showError(form, placed ? null : problem.tell);
}

/** Runs `work` with the button disabled, one at a time; disabling takes the focus away, so it is given back. */
export async function whileBusy(button, work) {
  if (button.disabled) return;
  const focused = document.activeElement === button;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
    if (focused && document.activeElement === document.body) button.focus({ preventScroll: true });
  }
}

/** An element with a class and a text; texts of people are never markup. */
export function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
