// Mesh.cpp: the text of attributes that describe meshes of devices, and of bounds of dynamic dimensions.
#include "stablehlo/Dialect.h"

#include "StructText.h"

using namespace mlir;
using namespace mlir::stablehlo;

Attribute SubAxisInfoAttr::parse(AsmParser &parser, Type) {
  int64_t preSize = 0, size = 0;
  if (parseFields(parser, {{"pre_size", NUMBER(preSize)}, {"size", NUMBER(size)}}))
    return {};
  return get(parser.getContext(), preSize, size);
}

void SubAxisInfoAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("pre_size") << getPreSize();
  fields.begin("size") << getSize();
}

Attribute AxisRefAttr::parse(AsmParser &parser, Type) {
  StringAttr name;
  SubAxisInfoAttr info;
  const SMLoc loc = parser.getCurrentLocation();
  if (parseFields(parser, {{"name", [&] { return parser.parseAttribute(name); }},
                           {"sub_axis_info", [&] { return parser.parseAttribute(info); }}}))
    return {};
  if (!name) {
    parser.emitError(loc) << "an axis_ref needs a name";
    return {};
  }
  return get(parser.getContext(), name, info);
}

void AxisRefAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("name") << getName();
  if (getSubAxisInfo())
    fields.begin("sub_axis_info") << getSubAxisInfo();
}

Attribute MeshAxisAttr::parse(AsmParser &parser, Type) {
  StringAttr name;
  int64_t size = 0;
  const SMLoc loc = parser.getCurrentLocation();
  if (parseFields(parser, {{"name", [&] { return parser.parseAttribute(name); }}, {"size", NUMBER(size)}}))
    return {};
  if (!name) {
    parser.emitError(loc) << "a mesh_axis needs a name";
    return {};
  }
  return get(parser.getContext(), name, size);
}

void MeshAxisAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("name") << getName();
  fields.begin("size") << getSize();
}

Attribute MeshAttr::parse(AsmParser &parser, Type) {
  SmallVector<MeshAxisAttr> axes;
  DenseIntElementsAttr deviceIds;
  const auto axisList = [&] {
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                          [&] { return parser.parseAttribute(axes.emplace_back()); });
  };
  if (parseFields(parser,
                  {{"axes", axisList}, {"device_ids", [&] { return parser.parseAttribute(deviceIds); }}}))
    return {};
  return get(parser.getContext(), axes, deviceIds);
}

void MeshAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("axes") << "[";
  llvm::interleaveComma(getAxes(), printer.getStream(), [&](MeshAxisAttr axis) { printer << axis; });
  printer << "]";
  if (getDeviceIds())
    fields.begin("device_ids") << getDeviceIds();
}

Attribute ReplicaGroupMeshAxesAttr::parse(AsmParser &parser, Type) {
  Attribute mesh;
  ArrayAttr axes;
  const SMLoc loc = parser.getCurrentLocation();
  if (parseFields(parser, {{"mesh", [&] { return parser.parseAttribute(mesh); }},
                           {"axes", [&] { return parser.parseAttribute(axes); }}}))
    return {};
  if (!mesh || !axes) {
    parser.emitError(loc) << "replica_group_mesh_axes needs a mesh and axes";
    return {};
  }
  return get(parser.getContext(), mesh, axes);
}

void ReplicaGroupMeshAxesAttr::print(AsmPrinter &printer) const {
  FieldPrinter fields(printer);
  fields.begin("mesh") << getMesh();
  fields.begin("axes") << getAxes();
}

// `<4, ?>`, one bound or `?` for every dimension, or `<bounds = [4, ?]>`.
Attribute TypeExtensionsAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> bounds;
  const auto bound = [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalQuestion())) {
      bounds.push_back(ShapedType::kDynamic);
      return success();
    }
    return parser.parseInteger(bounds.emplace_back());
  };
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalKeyword("bounds"))) {
    if (parser.parseEqual() || parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, bound))
      return {};
  } else if (parser.parseCommaSeparatedList(bound)) {
    return {};
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), bounds);
}

void TypeExtensionsAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getBounds(), printer.getStream(), [&](int64_t bound) {
    if (ShapedType::isDynamic(bound))
      printer << "?";
    else
      printer << bound;
  });
  printer << ">";
}

LogicalResult TypeExtensionsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                                 function_ref<InFlightDiagnostic()> emitError) const {
  if (getBounds().size() != shape.size())
    return emitError() << "expected a bound or ? for each of " << shape.size() << " dimensions, got "
                       << getBounds().size();
  for (auto [dim, bound, size] : llvm::enumerate(getBounds(), shape))
    if (!ShapedType::isDynamic(bound) && !ShapedType::isDynamic(size))
      return emitError() << "dimension " << dim << " is static, so it cannot have the bound " << bound;
  return success();
}
