// Which language the page speaks, and speaking it.

import { TEXTS } from "./texts.js";

const STORED = "sts-language";
const listeners = [];
let language = chosen();

function chosen() {
  const stored = localStorage.getItem(STORED);
  return stored in TEXTS ? stored : navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
}

/** The text of that name; where it is a function, of those arguments. */
export function say(name, ...args) {
  const text = TEXTS[language][name];
  return typeof text === "function" ? text(...args) : text;
}

/** A whole number as this language writes it. */
export const count = (number) => number.toLocaleString(language);

/** Calls `listener` now, and whenever the language or the window's size changes, so that what is shown follows. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

addEventListener("resize", () => listeners.forEach((listener) => listener()));

export function switchLanguage() {
  language = language === "ko" ? "en" : "ko";
  localStorage.setItem(STORED, language);
  apply();
}

export function apply() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  const button = document.getElementById("language");
  button.textContent = say("other");
  button.lang = language === "ko" ? "en" : "ko";
  for (const listener of listeners) listener();
}
