// Requests to the server that this page came from, and what can go wrong with them.

import { say } from "./language.js";

const STORED = "sts-api-key";
const TRIES = 3;
const LONGEST_PAUSE = 30;
let key = storedKey();

/**
 * What the server, or the way to it, says is wrong. `tell` says it in the language of the moment; `fields` holds the
 * rules that were broken, by JSON pointer.
 */
export class Problem extends Error {
  constructor(tell, status = 0, type = "", fields = [], retryAfter = 1) {
    super(tell());
    Object.assign(this, { tell, status, type, fields, retryAfter });
  }
}

function storedKey() {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null; // browsers can forbid storage
  }
}

export function useKey(given) {
  key = given;
  try {
    sessionStorage.setItem(STORED, given);
  } catch {
    // it is known until the page is left
  }
}

/** Asks the server; without a body it is a GET. */
export async function ask(path, body, signal) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(() => say("offline"));
  }
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  const after = Number(answer.headers.get("Retry-After")) || 1;
  const kind = String(found.type || "").replace("urn:sts:problem:", "");
  if (answer.status === 401) document.getElementById("key-form").hidden = false;
  throw new Problem(() => told(answer.status, kind, found.detail), answer.status, kind, found.errors || [], after);
}

/** As `ask`, but again after a while where the server is busy; `signal` ends the waiting too. */
export async function askPatiently(path, body, signal) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask(path, body, signal);
    } catch (problem) {
      if (problem.status !== 503 || left === 0) throw problem;
      await pause(Math.min(problem.retryAfter, LONGEST_PAUSE), signal);
    }
  }
}

function pause(seconds, signal) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, 1000 * seconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}

function told(status, kind, detail) {
  if (status === 401) return say("key_note");
  if (kind === "no-index") return say("no_index");
  if (kind === "queue-full" || kind === "index-busy") return say("busy");
  if (kind === "not-ready") return say("not_ready");
  if (status === 504) return say("late");
  return say("problem", status, detail || "");
}
