import { expect, test } from 'vitest';
import { modelOf } from '../../test/models.js';
import { readModel, writeModel } from '../onnx/model.js';
import { commonInputs, type RepairNote, repairNoteOf, withoutRepairNote, withRepairNote } from './repair-note.js';

const note: RepairNote = {
  reluminate: '0.1.0',
  repairs: ['flush', 'prune'],
  inputs: [{ name: 'x', lower: [0], upper: [1] }],
  data: null,
  prune: { align: 8, left: 3 },
};

test('a note survives the file, replaces the one before, and leaves other metadata alone', () => {
  const model = modelOf({ nodes: [] });
  model.proto.metadataProps.push({ $typeName: 'onnx.StringStringEntryProto', key: 'author', value: 'me' });
  const twice = withRepairNote(withRepairNote(model, { ...note, prune: null }), note);
  const read = readModel(writeModel(twice), { name: 'm' });
  expect(repairNoteOf(read)).toEqual(note);
  expect(read.proto.metadataProps.map(({ key }) => key)).toEqual(['author', 'reluminate.heal']);
  expect(repairNoteOf(model)).toBeNull();
  expect(withoutRepairNote(read).proto.metadataProps.map(({ key }) => key)).toEqual(['author']);
});

test('what is no note is none', () => {
  for (const value of [
    '',
    '{',
    'null',
    '[]',
    '{"reluminate":1}',
    '{"reluminate":"1","repairs":[],"inputs":[],"data":null,"prune":{"align":0,"left":-1}}',
    '{"reluminate":"1","repairs":[],"inputs":[{"name":"x","lower":[0]}],"data":null,"prune":null}',
    '{"reluminate":"1","repairs":[],"inputs":[],"data":1,"prune":null}',
  ]) {
    const model = modelOf({ nodes: [] });
    model.proto.metadataProps.push({ $typeName: 'onnx.StringStringEntryProto', key: 'reluminate.heal', value });
    expect(repairNoteOf(model), value).toBeNull();
  }
});

test('promises made one after the other hold for inputs in the ranges of both', () => {
  const whole = [{ name: 'x', lower: [0], upper: [1] }];
  const channels = [{ name: 'x', lower: [-1, 0.5], upper: [2, 0.75] }];
  const both = [{ name: 'x', lower: [0, 0.5], upper: [1, 0.75] }];
  expect(commonInputs(whole, channels)).toEqual(both);
  expect(commonInputs(channels, whole)).toEqual(both);
  expect(commonInputs(whole, [])).toEqual(whole);
  expect(commonInputs([], whole)).toEqual(whole);
});
