/** Texts of kube-apiserver 1.31 that say the same as those of 1.36, which the cases have. */
const rewordings: readonly (readonly [older: RegExp, newer: string])[] = [
  [/Invalid value: "null": (?=some validation rules were not checked)/g, 'Invalid value: null: '],
  // Of a rule of an object; of a wrong type it is the same today.
  [/Invalid value: "object": (?!\S+ in body must be of type)/g, 'Invalid value: '],
  [/Invalid value: 0x0: (?=must be specified for an update)/g, 'Invalid value: 0: '],
  [/Duplicate value: map\[string\]interface \{\}(?=\{)/g, 'Duplicate value: '],
  [/may not be longer than (\d+)/g, 'may not be more than $1 bytes'],
  [/omits key field ("\w+") \(and doesn't have default value\)/g, 'omits all key fields [$1]'],
];

interface Refusal {
  readonly kind: 'Status';
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly message?: string }[] };
}

const isRefusal = (body: unknown): body is Refusal =>
  typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status';

const reworded = (text = ''): string =>
  rewordings.reduce((told, [older, newer]) => told.replaceAll(older, newer), text);

/** What a kube-apiserver 1.31 answered, in the words of 1.36. Anything but a Status is left as it is. */
export function inLaterWords(body: unknown): unknown {
  if (!isRefusal(body)) return body;
  const { message, details } = body;
  const causes = details?.causes?.map((cause) => ({ ...cause, message: reworded(cause.message) }));
  return {
    ...body,
    message: reworded(message),
    ...(causes === undefined ? {} : { details: { ...details, causes } }),
  };
}
