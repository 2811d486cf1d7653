import type { Rectifier } from '../../rectifiers/rectifier.js';
import type { Architecture, CnnArchitecture, MlpArchitecture, ResNetArchitecture } from './architecture.js';
import type { Assembler, Value } from './assembler.js';

/** The residual part of a network's options. */
export interface BlockOptions {
  readonly rectifier: Rectifier;
  readonly skips: boolean;
  readonly zeroBranches: boolean;
}

const output = { before: null, output: 'output' } as const;

function mlp(make: Assembler, { hidden, outputs }: MlpArchitecture, input: Value, { rectifier }: BlockOptions): void {
  let value = make.flatten(input);
  hidden.forEach((width, at) => {
    const name = `layer${at + 1}`;
    value = make.activate(name, make.dense(name, value, width, { before: rectifier }));
  });
  make.dense(`layer${hidden.length + 1}`, value, outputs, output);
}

function cnn(make: Assembler, { parts, outputs }: CnnArchitecture, input: Value, { rectifier }: BlockOptions): void {
  let value = input;
  let layers = 0;
  let pools = 0;
  for (const part of parts) {
    if (part.kind === 'pool') {
      value = make.pool(`pool${++pools}`, value);
      continue;
    }
    const name = `layer${++layers}`;
    const linear =
      part.kind === 'conv'
        ? make.conv(name, value, part.channels, { window: 3, stride: part.stride, before: rectifier })
        : make.dense(name, make.flatten(value), part.width, { before: rectifier });
    value = make.activate(name, linear);
  }
  make.dense(`layer${layers + 1}`, make.flatten(value), outputs, output);
}

/**
 * A block of two convolutions, each behind the rectifier, added to a shortcut (He, Zhang, Ren & Sun 2016, "Identity mappings in deep residual networks",
 * figure 1b). Where the shape changes, the shortcut is a 1×1 convolution of what the first rectifier gives.
 */
function block(
  make: Assembler,
  name: string,
  input: Value,
  { channels, stride }: { readonly channels: number; readonly stride: number },
  { rectifier: before, skips, zeroBranches }: BlockOptions,
): Value {
  const [first, second] = [`${name}/layer1`, `${name}/layer2`];
  const active = make.activate(first, input);
  const half = make.conv(first, active, channels, { window: 3, stride, before });
  const zero = skips && zeroBranches;
  const branch = make.conv(second, make.activate(second, half), channels, { window: 3, stride: 1, before, zero });
  if (!skips) return branch;
  const fits = stride === 1 && input.dims[0] === channels;
  const shortcut = fits ? input : make.conv(`${name}/shortcut`, active, channels, { window: 1, stride, before });
  return make.add(`${name}/sum`, shortcut, branch);
}

function resnet(make: Assembler, { stages, outputs }: ResNetArchitecture, input: Value, options: BlockOptions): void {
  const channels = stages[0]?.channels as number;
  let value = make.conv('stem', input, channels, { window: 3, stride: 1, before: options.rectifier });
  stages.forEach((stage, at) => {
    for (let index = 0; index < stage.blocks; index++) {
      const shape = { channels: stage.channels, stride: at > 0 && index === 0 ? 2 : 1 };
      value = block(make, `stage${at + 1}/block${index + 1}`, value, shape, options);
    }
  });
  make.dense('head', make.mean(make.activate('head', value)), outputs, output);
}

/** Writes all layers of a network, from `input` to `output`. */
export function assembleNetwork(
  make: Assembler,
  architecture: Architecture,
  input: Value,
  options: BlockOptions,
): void {
  if (architecture.kind === 'mlp') mlp(make, architecture, input, options);
  else if (architecture.kind === 'cnn') cnn(make, architecture, input, options);
  else resnet(make, architecture, input, options);
}
