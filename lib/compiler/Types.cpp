// Types.cpp: see Types.h.
#include "compiler/Types.h"

#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace wherry::compile {

static std::optional<dtype> dtypeOfInteger(IntegerType type) {
  const bool isUnsigned = type.isUnsigned();
  switch (type.getWidth()) {
    case 1:
      return dtype::boolean;
    case 2:
      return isUnsigned ? dtype::ui2 : dtype::i2;
    case 4:
      return isUnsigned ? dtype::ui4 : dtype::i4;
    case 8:
      return isUnsigned ? dtype::ui8 : dtype::i8;
    case 16:
      return isUnsigned ? dtype::ui16 : dtype::i16;
    case 32:
      return isUnsigned ? dtype::ui32 : dtype::i32;
    case 64:
      return isUnsigned ? dtype::ui64 : dtype::i64;
    default:
      return std::nullopt;
  }
}

std::optional<dtype> dtypeOf(Type element) {
  using Result = std::optional<dtype>;
  return llvm::TypeSwitch<Type, Result>(element)
      .Case([](IntegerType type) { return dtypeOfInteger(type); })
      .Case([](ComplexType type) -> Result {
        if (type.getElementType().isF32()) return dtype::c64;
        if (type.getElementType().isF64()) return dtype::c128;
        return std::nullopt;
      })
      .Case([](Float16Type) -> Result { return dtype::f16; })
      .Case([](BFloat16Type) -> Result { return dtype::bf16; })
      .Case([](Float32Type) -> Result { return dtype::f32; })
      .Case([](Float64Type) -> Result { return dtype::f64; })
      .Case([](Float8E4M3FNType) -> Result { return dtype::f8e4m3fn; })
      .Case([](Float8E5M2Type) -> Result { return dtype::f8e5m2; })
      .Case([](Float8E4M3FNUZType) -> Result { return dtype::f8e4m3fnuz; })
      .Case([](Float8E5M2FNUZType) -> Result { return dtype::f8e5m2fnuz; })
      .Case([](Float8E4M3B11FNUZType) -> Result { return dtype::f8e4m3b11fnuz; })
      .Case([](Float8E4M3Type) -> Result { return dtype::f8e4m3; })
      .Case([](Float8E3M4Type) -> Result { return dtype::f8e3m4; })
      .Case([](Float8E8M0FNUType) -> Result { return dtype::f8e8m0fnu; })
      .Case([](Float6E2M3FNType) -> Result { return dtype::f6e2m3fn; })
      .Case([](Float6E3M2FNType) -> Result { return dtype::f6e3m2fn; })
      .Case([](Float4E2M1FNType) -> Result { return dtype::f4e2m1fn; })
      .Default(Result());
}

std::optional<tensor_type> tensorTypeOf(Type type) {
  const auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape()) return std::nullopt;
  const std::optional<dtype> element = dtypeOf(tensor.getElementType());
  if (!element) return std::nullopt;
  const ArrayRef<int64_t> extents = tensor.getShape();
  return tensor_type{*element, shape(std::span<const std::int64_t>(extents.data(), extents.size()))};
}

}  // namespace wherry::compile
