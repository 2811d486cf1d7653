import type { Command } from 'commander';
import { significant } from '../report/numbers.js';
import type { NetworkStructure } from '../theory/network-map.js';
import { resNet } from '../theory/res-net.js';
import { parseCount, parseNumber } from './options.js';

/** What is asked of a standard ResNet besides its depth. */
export interface ResNetFlags {
  readonly shortcutWeight: number;
  readonly resnetVersion: number;
}

/** Adds the flags that `--resnet` goes with. */
export const addResNetOptions = (command: Command): Command =>
  command
    .option('--shortcut-weight <w>', 'what its shortcuts are multiplied by, branches by √(1 − w²)', parseNumber, 0)
    .option('--resnet-version <v>', 'its version, 1 or 2', parseCount, 2);

/** The ResNet of so many layers; throws a RangeError for flags that are out of range. */
export const resNetOf = (depth: number, { shortcutWeight, resnetVersion }: ResNetFlags): NetworkStructure =>
  resNet(depth, { shortcutWeight, version: resnetVersion as 1 | 2 });

export const resNetName = (depth: number, { shortcutWeight, resnetVersion }: ResNetFlags): string =>
  `ResNet-${depth} v${resnetVersion}, shortcut weight ${significant(shortcutWeight, 4)}`;
