/* device.cu - what kernels call besides the operators: loads and stores, what changed, what failed. */

/* Fields of packed records lie at any byte; all else is aligned to its type. A store compares bits: was there another value? */
#define MMSB_MOVE(S, T, ...)                                                                                 \
	MMSB_FN T mmsb_get_##S(const uint8_t *at)                                                            \
	{                                                                                                    \
		T v;                                                                                         \
		memcpy(&v, at, sizeof v);                                                                    \
		return v;                                                                                    \
	}
#pragma push_macro("bool")
#undef bool
MMSB_FOR_ALL(MMSB_MOVE, )
#pragma pop_macro("bool")

#define MMSB_PUT(S, T, BITS)                                                                                 \
	MMSB_FN uint32_t mmsb_put_##S(T *at, T v)                                                            \
	{                                                                                                    \
		uint32_t changed = BITS(*at) != BITS(v);                                                     \
		*at = v;                                                                                     \
		return changed;                                                                              \
	}                                                                                                    \
	MMSB_FN uint32_t mmsb_put_packed_##S(uint8_t *at, T v)                                               \
	{                                                                                                    \
		T was = mmsb_get_##S(at);                                                                    \
		memcpy(at, &v, sizeof v);                                                                    \
		return BITS(was) != BITS(v);                                                                 \
	}
#define MMSB_PUT_INT(S, T, ...) MMSB_PUT(S, T, )
#pragma push_macro("bool")
#undef bool
MMSB_FOR_BITS(MMSB_PUT_INT, )
#pragma pop_macro("bool")
MMSB_PUT(f32, float, mmsb_bits_f32)
MMSB_PUT(f64, double, mmsb_bits_f64)

/* Position i of the launch: has its value changed? All threads of a warp are here, those beyond the end too. */
MMSB_FN void mmsb_mark(uint32_t *marks, uint64_t i, uint32_t changed)
{
	uint32_t word = __ballot_sync(0xffffffffu, (int)changed);
	if (i % 32 == 0)
		marks[i / 32] = word;
}

MMSB_FN void mmsb_fail(uint64_t *fault, uint64_t element) { atomicMin((unsigned long long *)fault, (unsigned long long)element); }

/* Elements of a list, side by side in values[0], to and from a page. */
#define MMSB_TRANSFER(ABI, BYTES)                                                                            \
	extern "C" __global__ void mmsb##ABI##_scatter_##BYTES(const mmsb_launch L)                          \
	{                                                                                                    \
		const uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;                          \
		if (i < L.n)                                                                                 \
			memcpy(L.out[0] + L.list[i] * L.stride, L.values[0] + i * BYTES, BYTES);             \
	}                                                                                                    \
	extern "C" __global__ void mmsb##ABI##_take_##BYTES(const mmsb_launch L)                             \
	{                                                                                                    \
		const uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;                          \
		if (i < L.n)                                                                                 \
			memcpy(L.values[0] + i * BYTES, L.out[0] + L.list[i] * L.stride, BYTES);             \
	}
MMSB_TRANSFER(1, 1) /* the first is MMSB_CUDA_ABI */
MMSB_TRANSFER(1, 2)
MMSB_TRANSFER(1, 4)
MMSB_TRANSFER(1, 8)
