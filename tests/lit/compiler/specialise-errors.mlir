// RUN: wherry-opt --split-input-file --verify-diagnostics --specialise='shapes=tensor<5x3xf32>' %s

// expected-error @below {{argument 0 is 'tensor<?x4xf32>', got 'tensor<5x3xf32>'}}
func.func @shape(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// -----

// expected-error @below {{argument 0 is 'tensor<?x3xf32, #stablehlo.bounds<4, ?>>', got 'tensor<5x3xf32>', which is larger}}
func.func @bound(%x: tensor<?x3xf32, #stablehlo.bounds<4, ?>>) -> tensor<?x3xf32> {
  %0 = stablehlo.negate %x : (tensor<?x3xf32, #stablehlo.bounds<4, ?>>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

func.func @assertion(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x3xf32>) -> tensor<i32>
  %c8 = stablehlo.constant dense<8> : tensor<i32>
  %ok = stablehlo.compare GE, %n, %c8 : (tensor<i32>, tensor<i32>) -> tensor<i1>
  // expected-error @below {{the shapes of the arguments do not fit: n is 5, not at least 8}}
  stablehlo.custom_call @shape_assertion(%ok, %n, %c8) {api_version = 2 : i32, error_message = "n is {0}, not at least {1}", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
  return %x : tensor<?x3xf32>
}

// -----

func.func @data(%x: tensor<?x3xf32>) -> tensor<?xf32> {
  %one = stablehlo.slice %x [0:1, 0:1] : (tensor<?x3xf32>) -> tensor<1x1xf32>
  %r = stablehlo.reshape %one : (tensor<1x1xf32>) -> tensor<1xf32>
  %n = stablehlo.convert %r : (tensor<1xf32>) -> tensor<1xi32>
  // expected-error @below {{stablehlo.dynamic_iota needs sizes that follow from the sizes of the arguments; these do not}}
  %i = stablehlo.dynamic_iota %n, dim = 0 : (tensor<1xi32>) -> tensor<?xf32>
  return %i : tensor<?xf32>
}

// -----

func.func @contradiction(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %shape = stablehlo.constant dense<[7, 3]> : tensor<2xi32>
  %i = stablehlo.dynamic_iota %shape, dim = 0 : (tensor<2xi32>) -> tensor<?x3xf32>
  // expected-error @below {{stablehlo.add: dimension 0 has size 7 in one operand and 5 in another}}
  %s = stablehlo.add %i, %x : tensor<?x3xf32>
  return %s : tensor<?x3xf32>
}

// -----

func.func @growing(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %zero = stablehlo.constant dense<0> : tensor<i32>
  %r:2 = stablehlo.while(%i = %zero, %y = %x) : tensor<i32>, tensor<?x3xf32>
  cond {
    %c = stablehlo.compare LT, %i, %i : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  } do {
    %z = stablehlo.concatenate %y, %y, dim = 0 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
    // expected-error @below {{value 1 of the loop begins as 'tensor<5x3xf32>' and becomes 'tensor<10x3xf32>'}}
    stablehlo.return %i, %z : tensor<i32>, tensor<?x3xf32>
  }
  return %r#1 : tensor<?x3xf32>
}
