import { Failure } from '../../failure.js';

/** Names of arrays that belong together: a training part, and a test part where the archive has one. */
export interface PairNames {
  readonly train: readonly [inputs: string, targets: string];
  readonly test: readonly [inputs: string, targets: string] | null;
}

const inputNames = ['x', 'inputs', 'input', 'data', 'images', 'features'];
const targetNames = ['y', 'targets', 'target', 'labels', 'label'];

/** The first of `bases` for which the archive has an array, in either case, with what stands before or behind it. */
function find(
  names: readonly string[],
  bases: readonly string[],
  spell: (base: string) => readonly string[],
): string | null {
  for (const base of bases) {
    const wanted = spell(base);
    const found = names.find(name => wanted.includes(name.toLowerCase()));
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * Which arrays of an archive are inputs and targets: `x` and `y` (or `inputs`, `data`, `images`, `features`; `targets`, `labels`), or both with
 * `_train` and, where there is a test part, `_test` (in front as well: `train_images`). `target` names the array of targets, without part. Throws a
 * Failure that lists what there is.
 */
export function pairNames(names: readonly string[], label: string, target?: string): PairNames {
  const targets = target === undefined ? targetNames : [target.toLowerCase()];
  const fail = (must: string) =>
    new Failure('input', `dataset '${label}': ${must}, got arrays ${names.map(name => `'${name}'`).join(', ')}`);
  const pairOf = (spell: (base: string) => readonly string[], part: string): readonly [string, string] | null => {
    const pair = [find(names, inputNames, spell), find(names, targets, spell)] as const;
    const missing = pair.indexOf(null);
    if (missing < 0) return pair as readonly [string, string];
    if (pair[1 - missing] === null) return null;
    const wanted = spell((missing === 0 ? inputNames : targets)[0] as string)[0];
    throw fail(`the archive must hold ${missing === 0 ? 'inputs' : 'targets'}${part}, such as '${wanted}'`);
  };
  const spellPart = (part: string) => (base: string) => [`${base}_${part}`, `${part}_${base}`];
  const train = pairOf(spellPart('train'), ' to train on');
  if (train) return { train, test: pairOf(spellPart('test'), ' to test on') };
  const plain = pairOf(base => [base], '');
  if (plain) return { train: plain, test: null };
  throw fail(`the archive must hold inputs and targets, such as 'x' and '${targets[0]}'`);
}
