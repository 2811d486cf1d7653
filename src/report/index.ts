export { type FigureOptions, firingRates, slopesByLayer, verdictsByLayer } from './figures.js';
export { renderHtml } from './html.js';
export { renderJson } from './json.js';
export { renderTable, type TableOptions } from './terminal.js';
