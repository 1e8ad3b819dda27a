// Tab-separated pairs, read as `sts.score` reads them: no quoting, a header or none.

const MOST_CHARACTERS = 10_000;

/**
 * Takes a text apart.
 * @returns {{pairs: {sentence1: string, sentence2: string}[], bad: {line: number, kind: string, found: number}[]}}
 */
export function parse(text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  const header = lines[0].split("\t").map((name) => name.trim());
  const named = header.includes("sentence1") && header.includes("sentence2");
  const places = named ? [header.indexOf("sentence1"), header.indexOf("sentence2")] : [0, 1];
  const fields = named ? header.length : 2;
  const [pairs, bad] = [[], []];
  lines.forEach((line, number) => {
    if (!line.trim() || (named && number === 0)) return;
    const cells = line.split("\t");
    const [sentence1, sentence2] = places.map((place) => cells[place] ?? "");
    const kind = fault(cells, fields, sentence1, sentence2);
    if (kind) bad.push({ line: number + 1, kind, found: cells.length });
    else pairs.push({ sentence1, sentence2 });
  });
  return { pairs, bad };
}

function fault(cells, fields, sentence1, sentence2) {
  if (cells.length !== fields) return "bad_line";
  if (!sentence1.trim() || !sentence2.trim()) return "empty_line";
  return [sentence1, sentence2].some((text) => Array.from(text).length > MOST_CHARACTERS) ? "long_line" : "";
}

/** Scored pairs as TSV; in a sentence there is no tab and no line break, for it came from such a file. */
export function written(rows) {
  const lines = rows.map((row) => [row.sentence1, row.sentence2, row.score, row.similar].join("\t"));
  return ["sentence1\tsentence2\tscore\tsimilar", ...lines, ""].join("\n");
}
