import { type Verdict, verdicts } from '../audit/report.js';

/** How a verdict is told and drawn, in the terminal and on the page. */
export interface VerdictStyle {
  /** In running text: `proved dead`. */
  label: string;
  /** One cell of a bar in the terminal; the glyphs get lighter from dead to healthy. */
  glyph: string;
  /** Number of its colour among the 256 of a terminal. */
  ansi: number;
  /** Colours on a light and on a dark ground. The worse the verdict, the greater the contrast with the ground. */
  light: string;
  dark: string;
  /** What it means, one sentence. */
  meaning: string;
}

/**
 * The style of each verdict. The hues are Okabe and Ito's (vermillion for dead, orange and yellow for nearly dead, blue
 * for always on), told apart by every common kind of colour vision; within a hue, lightness tells, as it does in print.
 */
export const verdictStyles: Readonly<Record<Verdict, VerdictStyle>> = {
  vanished: {
    label: 'vanished',
    glyph: '█',
    ansi: 160,
    light: '#6b1d00',
    dark: '#ffc2a8',
    meaning: 'Its incoming weights are zero, or so small that its pre-activation is constant. No data needed.',
  },
  'proved-dead': {
    label: 'proved dead',
    glyph: '▓',
    ansi: 166,
    light: '#a63a00',
    dark: '#ff9466',
    meaning: 'Its pre-activation is never positive, whatever the input (in the declared range). A proof.',
  },
  silent: {
    label: 'silent',
    glyph: '▒',
    ansi: 202,
    light: '#d55e00',
    dark: '#e8651a',
    meaning: 'It fired on none of the samples.',
  },
  rare: {
    label: 'rare',
    glyph: '░',
    ansi: 208,
    light: '#e69f00',
    dark: '#b57d00',
    meaning: 'It fires on fewer than 1 % of the samples.',
  },
  dormant: {
    label: 'dormant',
    glyph: '~',
    ansi: 178,
    light: '#eed94b',
    dark: '#8f8122',
    meaning: 'Its mean activity is at most a tenth of its layer’s (ReDo, τ = 0.1).',
  },
  'proved-linear': {
    label: 'proved linear',
    glyph: '=',
    ansi: 25,
    light: '#00507d',
    dark: '#8fccf2',
    meaning:
      'Its pre-activation is never negative, whatever the input (in the declared range): the rectifier does nothing. A proof.',
  },
  linear: {
    label: 'linear',
    glyph: '-',
    ansi: 32,
    light: '#3a8fc9',
    dark: '#3f87bb',
    meaning: 'Its pre-activation was positive everywhere on the samples: the rectifier did nothing.',
  },
  healthy: {
    label: 'healthy',
    glyph: '.',
    ansi: 244,
    light: '#e1e5e8',
    dark: '#343a40',
    meaning: 'The rest. A sparse unit is healthy.',
  },
  unobserved: {
    label: 'unobserved',
    glyph: '?',
    ansi: 244,
    light: '#dccad8',
    dark: '#554150',
    meaning: 'Neither its weights nor any sample decide.',
  },
};

/** A verdict's colour for SVG: a custom property where the page sets it, else the colour for a light ground. */
export const verdictColor = (verdict: Verdict): string => `var(--verdict-${verdict}, ${verdictStyles[verdict].light})`;

/** The verdicts that occur in some counts, strongest first. */
export const verdictsIn = (counts: Readonly<Record<Verdict, number>>): Verdict[] =>
  verdicts.filter(verdict => counts[verdict] > 0);
