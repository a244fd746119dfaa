/**
 * The words of a command line in one block of memory, as in the kernel's /proc/PID/cmdline.
 *
 * @module
 */

/** A command's words as one block. Each word ends with a zero byte, which no word can contain. */
export function joinWords(words: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(new ArrayBuffer(words.reduce((sum, word) => sum + word.length + 1, 0)));
  let at = 0;
  for (const word of words) {
    block.set(word, at);
    at += word.length + 1;
  }
  return block;
}

/** The words of a block that {@linkcode joinWords} has made. */
export function splitWords(block: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const words: Uint8Array<ArrayBuffer>[] = [];
  for (let start = 0, end; (end = block.indexOf(0, start)) >= 0; start = end + 1) {
    words.push(block.subarray(start, end));
  }
  return words;
}
