/** Figures as SVG: functions from data to a drawing. */
export * from './rectifier-curves.js';
