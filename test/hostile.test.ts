import { describe, expect, test } from 'vitest';
import { dissect } from '../src/audit/anatomy.js';
import { audit } from '../src/audit/audit.js';
import type { AuditReport } from '../src/audit/report.js';
import { Failure } from '../src/failure.js';
import { type AttributeValue, float, floatTensor, graph, intTensor, node, valueInfo } from '../src/onnx/build.js';
import { type Model, readModel, writeModel } from '../src/onnx/model.js';
import { DataType, type GraphProto, type NodeProto, type TensorProto } from '../src/onnx/proto.js';
import { createRandom } from '../src/random.js';
import { renderJson } from '../src/report/json.js';
import { renderTable } from '../src/report/terminal.js';
import { zipFile } from './data-zip.js';
import { modelOf } from './models.js';
import { numbersThatAreNone, processorSeconds, seconds } from './report-checks.js';

/*
 * Files and models made to hurt: whatever they hold, reading and auditing gives a report of finite numbers or a Failure, soon.
 * The input is free in two axes, so that ONNX Runtime is not asked for shapes unless a test is about that.
 */

const free = () => [valueInfo('x', ['N', 3, 'H', 'W'])];
const modelWith = (
  nodes: readonly NodeProto[],
  {
    initializers = [],
    inputs = free(),
    opset = 17,
  }: { initializers?: TensorProto[]; inputs?: GraphProto['input']; opset?: number } = {},
): Model => readModel(writeModel(modelOf({ nodes, inputs, outputs: [valueInfo('y')], initializers }, opset)));

/** The report, or the message of a Failure; every other error fails the test, as do numbers that are none. */
async function auditOrFailure(make: () => Model): Promise<AuditReport | string> {
  let report: AuditReport;
  try {
    report = await audit(make(), null, { threads: 1 });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.message).not.toBe('');
    return error.message;
  }
  expect(numbersThatAreNone(report)).toEqual([]);
  return report;
}

/** Chain x → v1 → v2 … → y of so many nodes. */
const chain = (
  length: number,
  make: (from: string, to: string, index: number) => NodeProto,
  [first, last] = ['x', 'y'],
) =>
  Array.from({ length }, (_, index) =>
    make(index === 0 ? first! : `v${index}`, index === length - 1 ? last! : `v${index + 1}`, index),
  );

const ones = (name: string, ...dims: number[]) =>
  floatTensor(name, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1));
/** x → Conv with 4 (or more) units → c */
const conv = (units = 4) => ({ nodes: [node('Conv', ['x', 'w'], ['c'])], initializers: [ones('w', units, 3, 1, 1)] });

describe('files that are no models', () => {
  const small = writeModel(
    modelOf({ nodes: conv().nodes, inputs: free(), outputs: [valueInfo('c')], initializers: conv().initializers }),
  );

  test('other formats and noise are refused', () => {
    const random = createRandom(1);
    const noise = (length: number) => Uint8Array.from({ length }, () => random.integer(256));
    const files: Record<string, Uint8Array> = {
      empty: new Uint8Array(),
      text: new TextEncoder().encode('# A model\n\nnot here\n'),
      JSON: new TextEncoder().encode('{"graph": {"node": []}}'),
      HTML: new TextEncoder().encode('<!doctype html><p>404</p>'),
      PNG: Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82]),
      zip: zipFile([{ name: 'model.onnx', data: small, deflate: true }]),
      'git-lfs pointer': new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
      zeros: new Uint8Array(1000),
      ones: new Uint8Array(1000).fill(255),
    };
    for (let each = 0; each < 200; each++) files[`noise ${each}`] = noise(1 + ((each * 37) % 3000));
    for (const [name, bytes] of Object.entries(files)) expect(() => readModel(bytes), name).toThrow(Failure);
  });

  test('a model that ends early is refused at every length', () => {
    for (let length = 0; length < small.length; length++) {
      try {
        readModel(small.subarray(0, length));
      } catch (error) {
        expect(error, `${length} bytes`).toBeInstanceOf(Failure);
        continue;
      }
      expect.unreachable(`${length} of ${small.length} bytes were read`);
    }
  });

  test('a length that promises gigabytes is refused without them', () => {
    const promising = Uint8Array.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x0a, 0x00]);
    expect(() => readModel(promising)).toThrow(Failure);
  });

  test('messages nested ten thousand deep are refused', () => {
    let bytes = new Uint8Array();
    const wrap = (field: number, inner: Uint8Array): Uint8Array<ArrayBuffer> => {
      const length: number[] = [];
      for (let rest = inner.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      const head = [(field << 3) | 2, ...length];
      const whole = new Uint8Array(head.length + inner.length);
      whole.set(head);
      whole.set(inner, head.length);
      return whole;
    };
    // GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6, ModelProto.graph = 7
    for (let depth = 0; depth < 10_000; depth++) bytes = wrap(1, wrap(5, wrap(6, bytes)));
    expect(() => readModel(wrap(7, bytes))).toThrow(/must nest at most 100 deep/);
  });
});

describe('huge graphs are taken apart in seconds, without deep recursion', () => {
  const long = 200_000;
  const many = 20_000;
  const values = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);
  const branch = (name: string) => graph({ nodes: [node('Relu', ['x'], [name])], outputs: [valueInfo(name)] });
  const convolved = conv();
  const wide = conv(4096);

  const cases: Record<string, { layers: number; make: () => Model }> = {
    'a chain of rectifiers': {
      layers: many,
      make: () => modelWith(chain(many, (from, to) => node('Relu', [from], [to]))),
    },
    'a chain of sigmoids before one rectifier': {
      layers: 1,
      make: () =>
        modelWith([
          ...chain(long, (from, to) => node('Sigmoid', [from], [to]), ['x', 'h']),
          node('Relu', ['h'], ['y']),
        ]),
    },
    'a chain of nodes of another domain': {
      layers: 1,
      make: () =>
        modelWith([
          ...chain(many, (from, to) => ({ ...node('Identity', [from], [to]), domain: 'other' }), ['x', 'h']),
          node('Relu', ['h'], ['y']),
        ]),
    },
    'weights behind a chain of identities': {
      layers: 1,
      make: () =>
        modelWith(
          [
            ...chain(many, (from, to) => node('Identity', [from], [to]), ['w', 'w2']),
            node('Conv', ['x', 'w2'], ['c']),
            node('Relu', ['c'], ['y']),
          ],
          convolved,
        ),
    },
    'a chain of products, each in a sum': {
      layers: 0,
      make: () =>
        modelWith(
          [
            ...chain(many, (from, to) => node('Mul', [from, 'k'], [to])),
            ...values(many - 1).map((to, index) => node('Add', [`v${index + 1}`, 'x'], [to])),
          ],
          { initializers: [ones('k', 1)] },
        ),
    },
    'a chain of biases, each with a rectifier': {
      layers: many - 1,
      make: () =>
        modelWith(
          [
            ...convolved.nodes,
            ...chain(many, (from, to) => node('Add', [from, 'k'], [to]), ['c', 'y']),
            ...values(many - 1).map((to, index) => node('Relu', [`v${index + 1}`], [to])),
          ],
          { initializers: [...convolved.initializers, ones('k', 1)] },
        ),
    },
    'a value with a hundred thousand readers': {
      layers: 100_000,
      make: () => modelWith([...convolved.nodes, ...values(100_000).map(to => node('Relu', ['c'], [to]))], convolved),
    },
    'many channels along a chain': {
      layers: 0,
      make: () =>
        modelWith([...wide.nodes, ...chain(many, (from, to) => node('Sigmoid', [from], [to]), ['c', 'y'])], wide),
    },
    'channels that double sixty times': {
      layers: 0,
      make: () =>
        modelWith(
          [...convolved.nodes, ...chain(60, (from, to) => node('Concat', [from, from], [to], { axis: 1 }), ['c', 'y'])],
          convolved,
        ),
    },
    'a Concat of twenty thousand': {
      layers: 0,
      make: () =>
        modelWith(
          [
            ...convolved.nodes,
            ...values(20_000).map(to => node('Sigmoid', ['c'], [to])),
            node('Concat', values(20_000), ['y'], { axis: 1 }),
          ],
          convolved,
        ),
    },
    'a Concat that claims twenty thousand outputs': {
      layers: 0,
      make: () =>
        modelWith(
          [
            ...convolved.nodes,
            ...values(20_000).map(to => node('Sigmoid', ['c'], [to])),
            node(
              'Concat',
              values(20_000),
              chain(20_000, (_, to) => node('', [], [to])).map(each => each.output[0]!),
              { axis: 1 },
            ),
          ],
          convolved,
        ),
    },
    'a Split into twenty thousand': {
      layers: 1,
      make: () =>
        modelWith([...wide.nodes, node('Split', ['c'], values(many), { axis: 1 }), node('Relu', ['r7'], ['y'])], wide),
    },
    'a sum of twenty thousand': {
      layers: 0,
      make: () =>
        modelWith(
          [
            ...wide.nodes,
            node(
              'Sum',
              Array.from({ length: many }, () => 'c'),
              ['y'],
            ),
          ],
          wide,
        ),
    },
    'thousands of branches in a large graph': {
      layers: 10_000,
      make: () =>
        modelWith(
          [
            ...chain(many, (from, to) => node('Sigmoid', [from], [to])),
            ...Array.from({ length: 5000 }, (_, index) =>
              node('If', ['go'], [`i${index}`], { then_branch: branch(`t${index}`), else_branch: branch(`e${index}`) }),
            ),
          ],
          { inputs: [...free(), valueInfo('go', [], DataType.BOOL)] },
        ),
    },
  };

  test.each(Object.entries(cases))('%s', (_, { layers, make }) => {
    const model = make();
    const { result, time } = seconds(() => dissect(model));
    expect(result.layers).toHaveLength(layers);
    expect(time).toBeLessThan(10);
  });

  test('time grows no faster than the graph', () => {
    const time = (length: number) => {
      const { nodes, initializers } = convolved;
      const biased = chain(length, (from, to) => node('Add', [from, 'k'], [to]), ['c', 'y']);
      const rectified = biased.map((_, index) => node('Relu', [`v${index + 1}`], [`r${index}`])).slice(1);
      const model = modelWith([...nodes, ...biased, ...rectified], { initializers: [...initializers, ones('k', 1)] });
      return Math.min(...[1, 2].map(() => seconds(() => dissect(model)).time));
    };
    time(1000);
    // Ten times the nodes take ten times as long, not a hundred times; the rest is for a busy machine.
    expect(time(10_000) / time(1000)).toBeLessThan(40);
  });
});

describe('layers that make no sense', () => {
  const weights = (...dims: number[]) => ones('w', ...dims);
  const layer = (op: string, inputs: string[], attributes: Record<string, AttributeValue> = {}) => [
    node(op, inputs, ['h'], attributes),
    node('Relu', ['h'], ['y']),
  ];
  const huge = 2n ** 62n;
  const empty = (...dims: bigint[]): TensorProto => ({ ...floatTensor('w', [0], []), dims });

  const cases: [string, NodeProto[], TensorProto[]][] = [
    ...[
      'Conv',
      'ConvTranspose',
      'Gemm',
      'MatMul',
      'BatchNormalization',
      'PRelu',
      'Relu',
      'Clip',
      'LeakyRelu',
      'Max',
      'Add',
      'Concat',
    ].flatMap((op): [string, NodeProto[], TensorProto[]][] => [
      [`${op} without inputs`, layer(op, []), []],
      [`${op} with nameless inputs`, layer(op, ['', '', '', '', '']), []],
      [`${op} of the input alone`, layer(op, ['x']), []],
      [`${op} with a scalar weight`, layer(op, ['x', 'w', 'w', 'w', 'w']), [weights()]],
      [`${op} with a vector`, layer(op, ['x', 'w', 'w', 'w', 'w']), [weights(3)]],
      [`${op} with a matrix`, layer(op, ['x', 'w', 'w', 'w', 'w']), [weights(2, 3)]],
      [`${op} with a weight of six axes`, layer(op, ['x', 'w', 'w', 'w', 'w']), [weights(2, 3, 1, 2, 1, 1)]],
      [`${op} with an empty weight of huge size`, layer(op, ['x', 'w', 'w', 'w', 'w']), [empty(huge, 0n, 1n, 1n)]],
      [`${op} with an empty weight, huge last`, layer(op, ['x', 'w', 'w', 'w', 'w']), [empty(0n, huge)]],
      [`${op} with a weight that is not there`, layer(op, ['x', 'nowhere', 'nothing']), []],
      [
        `${op} with strings for weights`,
        layer(op, ['x', 'w', 'w', 'w', 'w']),
        [{ ...weights(), dataType: DataType.STRING, dims: [4n, 3n, 1n, 1n] }],
      ],
      [
        `${op} with integers for weights`,
        layer(op, ['x', 'w', 'w', 'w', 'w']),
        [intTensor('w', [4, 3, 1, 1], new Array(12).fill(1))],
      ],
      [
        `${op} with NaN and infinities`,
        layer(op, ['x', 'w', 'w', 'w', 'w']),
        [floatTensor('w', [1, 3, 1, 1], [Number.NaN, Infinity, -Infinity])],
      ],
    ]),
    ...[0, -1, 2, 3, 5, 1e15, huge].map((group): [string, NodeProto[], TensorProto[]] => [
      `Conv in ${group} groups`,
      layer('Conv', ['x', 'w'], { group }),
      [weights(4, 3, 1, 1)],
    ]),
    ...[0, -4, 3, 7, huge].map((group): [string, NodeProto[], TensorProto[]] => [
      `ConvTranspose in ${group} groups`,
      layer('ConvTranspose', ['x', 'w'], { group }),
      [weights(4, 3, 1, 1)],
    ]),
    ['Conv with a bias of another length', layer('Conv', ['x', 'w', 'b']), [weights(4, 3, 1, 1), ones('b', 7)]],
    [
      'Conv with absurd pads',
      layer('Conv', ['x', 'w'], { pads: [huge as never, -huge as never], strides: [0, 0] }),
      [weights(4, 3, 1, 1)],
    ],
    [
      'Gemm with huge factors',
      layer('Gemm', ['x', 'w', 'b'], { alpha: float(3e38), beta: float(-3e38) }),
      [weights(3, 4), ones('b', 4)],
    ],
    [
      'Gemm with factors that are none',
      layer('Gemm', ['x', 'w', 'b'], { alpha: float(Number.NaN), beta: float(Infinity) }),
      [weights(3, 4), ones('b', 4)],
    ],
    ['Gemm with absurd flags', layer('Gemm', ['x', 'w'], { transA: 7, transB: huge }), [weights(3, 4)]],
    [
      'Gemm with attributes of other types',
      layer('Gemm', ['x', 'w'], { alpha: 'a', transB: [1, 2], beta: weights(2) }),
      [weights(3, 4)],
    ],
    ['Gemm with a bias for each row', layer('Gemm', ['x', 'w', 'b']), [weights(3, 4), ones('b', 4, 1)]],
    [
      'batch norm with negative variance',
      [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', 's', 's', 's', 'v'], ['h']),
        node('Relu', ['h'], ['y']),
      ],
      [weights(2, 3, 1, 1), ones('s', 2), floatTensor('v', [2], [-5, Number.NaN])],
    ],
    [
      'batch norm of other lengths',
      [
        node('Conv', ['x', 'w'], ['c']),
        node('BatchNormalization', ['c', 's', 's', 's', 'v'], ['h']),
        node('Relu', ['h'], ['y']),
      ],
      [weights(2, 3, 1, 1), ones('s', 3), ones('v', 2)],
    ],
    [
      'a division by zero',
      [node('Conv', ['x', 'w'], ['c']), node('Div', ['c', 'z'], ['h']), node('Relu', ['h'], ['y'])],
      [weights(2, 3, 1, 1), floatTensor('z', [1], [0])],
    ],
    [
      'a product with infinity',
      [node('Conv', ['x', 'w'], ['c']), node('Mul', ['c', 'z'], ['h']), node('Relu', ['h'], ['y'])],
      [weights(2, 3, 1, 1), floatTensor('z', [], [Infinity])],
    ],
    ['LeakyRelu with a slope that is none', layer('LeakyRelu', ['x'], { alpha: float(Number.NaN) }), []],
    ['LeakyRelu with an infinite slope', layer('LeakyRelu', ['x'], { alpha: float(-Infinity) }), []],
    [
      'ThresholdedRelu with a threshold that is none',
      layer('ThresholdedRelu', ['x'], { alpha: float(Number.NaN) }),
      [],
    ],
    [
      'PRelu with slopes that are none',
      layer('PRelu', ['x', 'w']),
      [floatTensor('w', [3, 1, 1], [Number.NaN, Infinity, 0])],
    ],
    ['PRelu with slopes of no shape that fits', layer('PRelu', ['x', 'w']), [weights(5, 7)]],
    [
      'Clip between bounds that are none',
      layer('Clip', ['x', 'a', 'b']),
      [floatTensor('a', [], [Number.NaN]), floatTensor('b', [], [Number.NaN])],
    ],
    [
      'Clip between bounds that cross',
      layer('Clip', ['x', 'a', 'b']),
      [floatTensor('a', [], [6]), floatTensor('b', [], [0])],
    ],
    [
      'Clip between tensors',
      layer('Clip', ['x', 'a', 'b']),
      [floatTensor('a', [2], [0, 1]), floatTensor('b', [0], [])],
    ],
    ...([[0, 0, 0, 0], [9, 8, 7, 6], [-1, -2], [], [1]] as number[][]).map(
      (perm): [string, NodeProto[], TensorProto[]] => [
        `Transpose by [${perm}]`,
        [node('Conv', ['x', 'w'], ['c']), node('Transpose', ['c'], ['h'], { perm }), node('Relu', ['h'], ['y'])],
        [weights(4, 3, 1, 1)],
      ],
    ),
    ...(
      [
        'Split',
        'Slice',
        'Concat',
        'Reshape',
        'Squeeze',
        'Unsqueeze',
        'Flatten',
        'Pad',
        'ReduceMean',
        'Resize',
        'Gather',
        'Softmax',
      ] as const
    ).flatMap(op =>
      ([[], [-9], [99], [0, 0], [1, 1, 1], [-(2 ** 53), 2 ** 53], [5, -5, 5, -5, 5, -5, 5, -5]] as number[][]).map(
        (nonsense): [string, NodeProto[], TensorProto[]] => [
          `${op} by [${nonsense}]`,
          [
            node('Conv', ['x', 'w'], ['c']),
            node(op, ['c', 'n', 'n', 'n', 'n'], ['h', 'g'], {
              axis: nonsense[0] ?? 99,
              axes: nonsense,
              split: nonsense,
              starts: nonsense,
              ends: nonsense,
              pads: nonsense,
            }),
            node('Relu', ['h'], ['y']),
            node('Relu', ['g'], ['z']),
          ],
          [weights(4, 3, 1, 1), intTensor('n', [nonsense.length], nonsense)],
        ],
      ),
    ),
    ...['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty'].map(
      (op): [string, NodeProto[], TensorProto[]] => [
        `an operator called ${op}`,
        [node('Conv', ['x', 'w'], ['c']), node(op, ['c', 'c'], ['h']), node('Relu', ['h'], ['y'])],
        [weights(4, 3, 1, 1)],
      ],
    ),
  ];

  test('get a report of finite numbers or a Failure', async () => {
    const wrong: string[] = [];
    for (const [name, nodes, initializers] of cases) {
      const start = processorSeconds();
      await auditOrFailure(() => modelWith(nodes, { initializers })).catch((error: Error) =>
        wrong.push(`${name}: ${error.message}`),
      );
      if (processorSeconds() - start > 2) wrong.push(`${name}: took ${processorSeconds() - start} s`);
    }
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(200);
  });

  test('and so they do where ONNX Runtime is asked for the shapes', async () => {
    const wrong: string[] = [];
    for (const [name, nodes, initializers] of cases) {
      const inputs = [valueInfo('x', ['N', 3, 2, 2])];
      await auditOrFailure(() => modelWith(nodes, { initializers, inputs })).catch((error: Error) =>
        wrong.push(`${name}: ${error.message}`),
      );
    }
    expect(wrong).toEqual([]);
  });
});

describe('declarations that make no sense', () => {
  const relu = [node('Relu', ['x'], ['y'])];

  test.each([[[-1, 3]], [[2 ** 62, 2 ** 62]], [[0, 0]], [[2 ** 40]], [[]]])('an input of [%s]', async dims => {
    const withLayer = [node('MatMul', ['x', 'w'], ['h']), node('Relu', ['h'], ['y'])];
    await auditOrFailure(() => modelWith(relu, { inputs: [valueInfo('x', dims)] }));
    await auditOrFailure(() =>
      modelWith(withLayer, { inputs: [valueInfo('x', dims)], initializers: [ones('w', 3, 2)] }),
    );
  });

  test('no inputs, no outputs, no nodes', async () => {
    expect(await auditOrFailure(() => modelOf({ nodes: [] }))).toHaveProperty('totals.units', 0);
    expect(await auditOrFailure(() => modelWith([node('Relu', ['nothing'], ['y'])], { inputs: [] }))).toBeTypeOf(
      'object',
    );
  });

  test('an input that is not a tensor, or two of one name', async () => {
    expect(
      await auditOrFailure(() => modelWith(relu, { inputs: [{ ...valueInfo('x'), type: undefined } as never] })),
    ).toMatch(/must be a numeric tensor/);
    expect(await auditOrFailure(() => modelWith(relu, { inputs: [...free(), ...free()] }))).toBeTypeOf('object');
  });

  test('an operator set from the future or of no domain that is known', async () => {
    const model = () => modelWith(relu, { opset: 2 ** 31 });
    expect(await auditOrFailure(model)).toHaveProperty('layers.0.op', 'relu');
  });
});

describe('names', () => {
  const names = {
    HTML: '<script>alert(1)</script>',
    attribute: '" onmouseover="alert(1)',
    path: '../../etc/passwd',
    NUL: 'a\0b',
    lines: 'a\r\nb\u2028c',
    escape: '\u001b[31mred\u001b]0;title\u0007\u009b2J',
    bidi: 'a\u202eb\u2066c',
    prototype: '__proto__',
    constructor: 'constructor',
    'ten thousand letters': 'n'.repeat(10_000),
    'lone surrogate': 'a\ud800b',
    'what follows it': 'relu (2)',
  };

  test.each(Object.entries(names))('with %s are kept in the JSON and harmless in a terminal', async (_, name) => {
    const make = () => {
      const relu = { ...node('Relu', [`${name} h`], [`${name} y`]), name };
      return modelWith([{ ...node('Conv', [name, `${name} w`], [`${name} h`]), name: `${name} conv` }, relu], {
        inputs: [valueInfo(name, ['N', 3, 'H', 'W'])],
        initializers: [{ ...ones('', 2, 3, 1, 1), name: `${name} w` }],
      });
    };
    const report = (await auditOrFailure(make)) as AuditReport;
    // Written as UTF-8, a lone surrogate becomes the replacement character.
    expect(report.layers[0]?.name).toBe(name.replace('\ud800', '\ufffd'));
    expect(JSON.parse(renderJson(report)).layers[0].name).toBe(report.layers[0]?.name);
    const table = renderTable(report, { color: false, width: 100, all: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not occur
    expect(table).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/);
  });

  test('that several rectifiers share are told apart', async () => {
    const relus = ['r', 'r', 'r (2)', 'r', 'r (2)'].map((name, index) => ({
      ...node('Relu', ['x'], [`y${index}`]),
      name,
    }));
    const report = (await auditOrFailure(() => modelWith(relus))) as AuditReport;
    expect(new Set(report.layers.map(layer => layer.name)).size).toBe(5);
  });
});
