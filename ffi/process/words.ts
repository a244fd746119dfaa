/**
 * A command line's words in one block of memory, as the kernel has them in /proc/PID/cmdline.
 *
 * @module
 */

/** A command's words as one block: each ends with a zero byte, which none of them can have. */
export function joinWords(words: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(new ArrayBuffer(words.reduce((sum, word) => sum + word.length + 1, 0)));
  let at = 0;
  for (const word of words) {
    block.set(word, at);
    at += word.length + 1;
  }
  return block;
}

/** What {@linkcode joinWords} has joined. */
export function splitWords(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const words: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0, end; (end = block.indexOf(0, start)) >= 0; start = end + 1) {
    words.push(block.subarray(start, end));
  }
  return words;
}
