// Tab-separated text, in which a sentence has no tab and no line break.

/** A sentence without them. */
export const bare = (sentence) => sentence.replace(/[\t\r\n]+/g, " ");

/** Scored pairs as TSV. */
export function written(rows) {
  const lines = rows.map((row) => [bare(row.sentence1), bare(row.sentence2), row.score, row.similar, row.truncated, row.unknown].join("\t"));
  return ["sentence1\tsentence2\tscore\tsimilar\ttruncated\tunknown", ...lines, ""].join("\n");
}
