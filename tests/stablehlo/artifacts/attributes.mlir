module @attributes attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%x: tensor<4x6xf32> {tf.aliasing_output = 0 : i32}, %i: tensor<3x1xi32>, %c: tensor<i32>, %k: tensor<2xui64>) -> (tensor<4x6xf32> {jax.result_info = "out"}, tensor<3x6xf32>) {
    %zero = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %flags = stablehlo.constant dense<[true, false, true]> : tensor<3xi1>
    %all = stablehlo.constant dense<true> : tensor<17xi1>
    %empty = stablehlo.constant dense<> : tensor<0x3xf32>
    %complex = stablehlo.constant dense<[(1.000000e+00,2.000000e+00), (3.000000e+00,-4.000000e+00)]> : tensor<2xcomplex<f32>>
    %half = stablehlo.constant dense<[1.500000e+00, -2.000000e+00]> : tensor<2xbf16>
    %rows = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = true, slice_sizes = array<i64: 1, 6>}> : (tensor<4x6xf32>, tensor<3x1xi32>) -> tensor<3x6xf32>
    %put = "stablehlo.scatter"(%x, %i, %rows) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = true}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %s : tensor<f32>
    }) : (tensor<4x6xf32>, tensor<3x1xi32>, tensor<3x6xf32>) -> tensor<4x6xf32>
    %dot = stablehlo.dot_general %put, %rows, contracting_dims = [1] x [1], precision = [HIGHEST, DEFAULT] : (tensor<4x6xf32>, tensor<3x6xf32>) -> tensor<4x3xf32>
    %fast = stablehlo.dot_general %put, %rows, contracting_dims = [1] x [1], algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, allow_imprecise_accumulation = false> : (tensor<4x6xf32>, tensor<3x6xf32>) -> tensor<4x3xf32>
    %image = stablehlo.reshape %x : (tensor<4x6xf32>) -> tensor<1x4x6x1xf32>
    %filter = stablehlo.constant dense<1.000000e+00> : tensor<2x2x1x1xf32>
    %conv = stablehlo.convolution(%image, %filter) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 1], pad = [[0, 1], [1, 0]], rhs_dilate = [1, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x4x6x1xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x5x1xf32>
    %plain = stablehlo.convolution(%image, %filter) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x4x6x1xf32>, tensor<2x2x1x1xf32>) -> tensor<1x3x5x1xf32>
    %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<4x6xf32>, tensor<f32>) -> tensor<4xf32>
    %pooled = "stablehlo.reduce_window"(%x, %zero) <{padding = dense<[[0, 0], [5, 0]]> : tensor<2x2xi64>, window_dimensions = array<i64: 1, 6>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %m = stablehlo.maximum %a, %b : tensor<f32>
      stablehlo.return %m : tensor<f32>
    }) : (tensor<4x6xf32>, tensor<f32>) -> tensor<4x6xf32>
    %sorted:2 = "stablehlo.sort"(%i, %i) <{dimension = 0 : i64, is_stable = true}> ({
    ^bb0(%a: tensor<i32>, %b: tensor<i32>, %d: tensor<i32>, %e: tensor<i32>):
      %less = stablehlo.compare LT, %a, %b, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %less : tensor<i1>
    }) : (tensor<3x1xi32>, tensor<3x1xi32>) -> (tensor<3x1xi32>, tensor<3x1xi32>)
    %order = stablehlo.compare GE, %sum, %sum, TOTALORDER : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %unsaid = stablehlo.compare NE, %sum, %sum : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %precise = stablehlo.exponential %sum : tensor<4xf32>
    %plainly = stablehlo.tanh %precise : tensor<4xf32>
    %state, %bits = stablehlo.rng_bit_generator %k, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<5xui32>)
    %spectrum = stablehlo.fft %complex, type = FFT, length = [2] : (tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>
    %picked = "stablehlo.case"(%c) ({
      stablehlo.return %dot : tensor<4x3xf32>
    }, {
      stablehlo.return %fast : tensor<4x3xf32>
    }) : (tensor<i32>) -> tensor<4x3xf32>
    %counted:2 = stablehlo.while(%n = %c, %acc = %sum) : tensor<i32>, tensor<4xf32>
      cond {
        %ten = stablehlo.constant dense<10> : tensor<i32>
        %more = stablehlo.compare LT, %n, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
        stablehlo.return %more : tensor<i1>
      } do {
        %next = stablehlo.add %n, %n : tensor<i32>
        stablehlo.return %next, %acc : tensor<i32>, tensor<4xf32>
      }
    %called = stablehlo.custom_call @elsewhere(%x) {api_version = 2 : i32, backend_config = "how", called_computations = [@helper], has_side_effect = true, operand_layouts = [dense<[1, 0]> : tensor<2xindex>], output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>], result_layouts = [dense<[1, 0]> : tensor<2xindex>]} : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %typed = stablehlo.custom_call @typed(%x) {api_version = 4 : i32, backend_config = {eps = 1.000000e-03 : f32, n = 3 : i64, on = true}} : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %whole = stablehlo.composite "some.thing" %called {composite_attributes = {axis = 1 : i64}, decomposition = @helper, version = 2 : i32} : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %padded = stablehlo.pad %whole, %zero, low = [0, -1], high = [1, 0], interior = [0, 2] : (tensor<4x6xf32>, tensor<f32>) -> tensor<5x15xf32>
    %cut = stablehlo.slice %padded [0:4, 1:13:2] : (tensor<5x15xf32>) -> tensor<4x6xf32>
    %solved = "stablehlo.triangular_solve"(%filter, %filter) <{left_side = true, lower = false, transpose_a = #stablehlo<transpose TRANSPOSE>, unit_diagonal = true}> : (tensor<2x2x1x1xf32>, tensor<2x2x1x1xf32>) -> tensor<2x2x1x1xf32>
    %rounded = stablehlo.reduce_precision %cut, format = e5m10 : tensor<4x6xf32>
    %reduced = "stablehlo.all_reduce"(%rounded) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, replica_groups = dense<0> : tensor<1x1xi64>, use_global_device_ids}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %t = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %t : tensor<f32>
    }) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %token = stablehlo.create_token : !stablehlo.token
    %after = stablehlo.after_all %token, %token : !stablehlo.token
    %pair = stablehlo.tuple %reduced, %rows : tuple<tensor<4x6xf32>, tensor<3x6xf32>>
    %second = stablehlo.get_tuple_element %pair[1] : (tuple<tensor<4x6xf32>, tensor<3x6xf32>>) -> tensor<3x6xf32>
    %helped = call @helper(%reduced) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    return %helped, %second : tensor<4x6xf32>, tensor<3x6xf32>
  }
  func.func private @helper(%y: tensor<4x6xf32>) -> tensor<4x6xf32> {
    return %y : tensor<4x6xf32>
  }
}
