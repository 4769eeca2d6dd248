// A jest transform: TypeScript's types replaced by blanks, by Node itself.
const { stripTypeScriptTypes } = require('node:module');
const { createHash } = require('node:crypto');

process.removeAllListeners('warning');

module.exports = {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  getCacheKey: (source, path) => createHash('sha1').update(process.version).update(path).update(source).digest('hex'),
};
