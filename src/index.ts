/** What `reluminate` gives: the rectifiers. */
export * from './rectifiers/index.js';
