const maxLine = 160;
const maxLines = 3;

/** `libxl: error: libxl_dom.c:586:libxl__build_dom: Domain 7:` and the like: where in the source, and a number that changes with each try. */
const prefix =
  /^(?:libxl|xc|xl|libxlu): (?:error|critical|warning): (?:panic: )?(?:[\w-]+\.c:\d+: ?\w+: )?(?:Domain \d+: ?|Stubdom \d+ for \d+ startup: ?)?/;

/** Numbers of domains and processes elsewhere in the text. */
const passing = /\bdomid[= ]\d+|\[\d+\]|\b(?:domain|Domain|libxl)[ /]\d+/g;

/** What the tool says of its own clean-up after a failure: never the cause. */
const afterwards =
  /(?:libxl__destroy_domid|domain_destroy_callback|domain_destroy_cb|libxl__domain_type|libxl__xs_read_mandatory): /;

function printableLine(line: string): string {
  const clean = line.replace(/[^\x20-\x7e]/g, '?').trim();
  return clean.length > maxLine ? `${clean.slice(0, maxLine - 1)}~` : clean;
}

/**
 * What a tool of Xen said went wrong, fit for a message: the first errors, which are the cause, or the last lines where it
 * marks none. One line of printable ASCII without domids, so that a try that fails the same way reads the same.
 */
export function tidyErrors(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /^(?:libxl|xc): (?:error|critical):/.test(line) && !afterwards.test(line));
  const chosen = errors.length > 0 ? errors.slice(0, maxLines) : lines.slice(-maxLines);
  return chosen
    .map((line) => printableLine(line.replace(prefix, '').replace(passing, (text) => text.replace(/\d+/, 'N'))))
    .join('; ');
}
