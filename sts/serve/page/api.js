// Requests to the server that this page came from, and what can go wrong with them.

import { say } from "./language.js";

const STORED = "sts-api-key";
const TRIES = 3;

/** What the server, or the way to it, says is wrong. `fields` holds the rules that were broken, by JSON pointer. */
export class Problem extends Error {
  constructor(message, status = 0, type = "", fields = [], retryAfter = 1) {
    super(message);
    Object.assign(this, { status, type, fields, retryAfter });
  }
}

export function useKey(key) {
  sessionStorage.setItem(STORED, key);
}

/** Asks the server; without a body it is a GET. */
export async function ask(path, body, signal) {
  const key = sessionStorage.getItem(STORED);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(say("offline"));
  }
  const found = await answer.json().catch(() => ({}));
  if (answer.ok) return found;
  const after = Number(answer.headers.get("Retry-After")) || 1;
  const kind = String(found.type || "").replace("urn:sts:problem:", "");
  if (answer.status === 401) document.getElementById("key-form").hidden = false;
  throw new Problem(told(answer.status, kind, found.detail), answer.status, kind, found.errors || [], after);
}

/** As `ask`, but again after a while where the server is busy. */
export async function askPatiently(path, body, signal) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask(path, body, signal);
    } catch (problem) {
      if (problem.status !== 503 || left === 0) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(problem.retryAfter, 30)));
    }
  }
}

function told(status, kind, detail) {
  if (status === 401) return say("key_note");
  if (kind === "queue-full" || kind === "index-busy") return say("busy");
  if (kind === "not-ready") return say("not_ready");
  if (status === 504) return say("late");
  return say("problem", status, detail || "");
}
