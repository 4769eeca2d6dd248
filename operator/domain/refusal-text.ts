/** What the hypervisor said of a try that is made again, as the end of a sentence: with one full stop, and the promise once. */
export function triedAgain(detail: string): string {
  const sentence = detail.endsWith('.') ? detail : `${detail}.`;
  return /\btried again\b/.test(sentence) ? sentence : `${sentence} It is tried again.`;
}
