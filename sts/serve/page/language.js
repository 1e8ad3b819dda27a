// Which language the page speaks, and speaking it.

import { TEXTS } from "./texts.js";

const STORED = "sts-language";
const listeners = [];
let language = chosen();

function remembered() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // browsers can forbid storage
  }
}

function chosen() {
  const stored = remembered();
  return stored in TEXTS ? stored : navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
}

/** The text of that name; where it is a function, of those arguments. */
export function say(name, ...args) {
  const text = TEXTS[language][name];
  return typeof text === "function" ? text(...args) : text;
}

/** A whole number as this language writes it. */
export const count = (number) => number.toLocaleString(language);

/** A share as a percentage. */
export const percent = (share) => share.toLocaleString(language, { style: "percent", maximumFractionDigits: 0 });

/** Calls `listener` now, and whenever the language changes, so that what is shown follows. */
export function onLanguage(listener) {
  listeners.push(listener);
  listener();
}

export function switchLanguage() {
  language = language === "ko" ? "en" : "ko";
  apply();
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // it is spoken until the page is left
  }
}

export function apply() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  const button = document.getElementById("language");
  button.textContent = say("other");
  button.lang = language === "ko" ? "en" : "ko";
  for (const listener of listeners) listener();
}
