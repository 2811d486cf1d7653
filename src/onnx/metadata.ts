import { create } from '@bufbuild/protobuf';
import { copyModel, type Model } from './model.js';
import { StringStringEntryProtoSchema } from './proto.js';

/**
 * A copy of a model with an entry in its metadata; one with the same key is replaced.
 *
 * @example
 * import { parseRectifier } from 'reluminate';
 * import { withMetadata } from 'reluminate/onnx';
 * import { buildNetwork } from 'reluminate/train';
 * const network = buildNetwork('mlp:2-4-2', { rectifier: parseRectifier('relu') });
 * withMetadata(network, 'class_names', '["no","yes"]').proto.metadataProps[0].value; // => "[\"no\",\"yes\"]"
 */
export function withMetadata(model: Model, key: string, value: string): Model {
  const copy = copyModel(model);
  const others = copy.proto.metadataProps.filter(entry => entry.key !== key);
  copy.proto.metadataProps = [...others, create(StringStringEntryProtoSchema, { key, value })];
  return copy;
}
